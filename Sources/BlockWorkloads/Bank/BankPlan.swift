import BlockModel
import BlockRuntime

/// A bank: accounts in several trees, and a ledger that each transfer is noted in, in the same
/// transaction.
package struct BankPlan: Hashable, Sendable {
    /// Of each tree.
    package let branchNames: [String]
    package let ledgerName: String
    /// In each branch.
    package let accountCount: Int
    /// Entries of a leaf and children of a branch, at most.
    package let capacity: UInt32
    /// Of each client.
    package let operationCount: Int

    /// What an account has that was never written.
    package static let initialBalance = 100

    package init(
        branchNames: [String], ledgerName: String, accountCount: Int, capacity: UInt32,
        operationCount: Int
    ) {
        self.branchNames = branchNames
        self.ledgerName = ledgerName
        self.accountCount = accountCount
        self.capacity = capacity
        self.operationCount = operationCount
    }

    /// Where a balance is.
    package struct Account: Hashable, Sendable {
        package let branch: Int
        package let number: Int
        package init(branch: Int, number: Int) {
            self.branch = branch
            self.number = number
        }

        var key: Bytes { Array("account-\(number)".utf8) }
    }

    static func bytes(of balance: Int) -> Bytes { Array("\(balance)".utf8) }

    static func balance(of bytes: Bytes?) -> Int {
        bytes.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? initialBalance
    }
}
