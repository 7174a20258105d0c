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
    /// What the clocks of the services show when the clients begin, in milliseconds since 1970:
    /// some transactions are to come too late. nil: none is.
    package let wallBegin: UInt64?

    /// What an account has that was never written.
    package static let initialBalance = 100

    package init(
        branchNames: [String], ledgerName: String, accountCount: Int, capacity: UInt32,
        operationCount: Int, wallBegin: UInt64? = nil
    ) {
        self.wallBegin = wallBegin
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

        package var key: Bytes { Array("account-\(number)".utf8) }

        /// - Returns: nil when the key is that of no account.
        package init?(branch: Int, key: Bytes) {
            let name = "account-"
            guard key.starts(with: name.utf8), let text = String(validating: key, as: UTF8.self),
                let number = Int(text.dropFirst(name.count))
            else { return nil }
            self.init(branch: branch, number: number)
        }
    }

    package static func bytes(of balance: Int) -> Bytes { Array("\(balance)".utf8) }

    /// What no account ever has: read where the value is no number.
    package static let damagedBalance = -1_000_000_000

    package static func balance(of bytes: Bytes?) -> Int {
        guard let bytes else { return initialBalance }
        return String(validating: bytes, as: UTF8.self).flatMap { Int($0) } ?? damagedBalance
    }
}
