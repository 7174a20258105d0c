import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic

package struct TreePutCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Gives keys their values, all of them in one atomic action.",
        discussion: """
            Prints the revision of the tree with the action in it, when it is durable on a \
            majority of the replicas. The tree is created when there is none. A pair is split at \
            its first =, behind a key that is a tuple at the one behind it; for other keys with = \
            use --key-type hex. No key may be named twice. When a condition does not hold \
            nothing is done, and the exit code is 75.
            """)

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var form: TreeForm
    @OptionGroup package var retry: RetryOptions
    @Argument(help: "The tree.") package var name: ArgumentBytes
    @Argument(help: ArgumentHelp("What to put where.", valueName: "key=value"))
    package var pairs: [ArgumentBytes]
    @Option(help: ArgumentHelp("A key to delete in the same action. Repeat.", valueName: "key"))
    package var delete: [ArgumentBytes] = []
    @Flag(name: .customLong("if-absent"), help: "Only if none of the keys put has a value.")
    package var ifAbsent = false
    @Flag(name: .customLong("if-present"), help: "Only if all of the keys put have a value.")
    package var ifPresent = false
    @Option(
        name: .customLong("if-value"),
        help: ArgumentHelp("Only if the key has this value; with one pair.", valueName: "value"))
    package var ifValue: ArgumentBytes?
    @Option(help: "What a new tree holds.") package var encoding = EncodingForm.bytes

    package func validate() throws {
        if let pair = pairs.first(where: { !$0.bytes.contains(UInt8(ascii: "=")) }) {
            throw ValidationError("\"\(pair)\" is no key=value")
        }
        if ifValue != nil, pairs.count != 1 { throw ValidationError("--if-value takes one pair") }
        if (ifAbsent ? 1 : 0) + (ifPresent ? 1 : 0) + (ifValue == nil ? 0 : 1) > 1 {
            throw ValidationError("--if-absent, --if-present and --if-value exclude each other")
        }
    }

    package func run() async throws {
        let name = try name.collectionName()
        try form.keys.check(delete + pairs.map { $0.pair(form.keys.asked).key })
        try await options.withDatabase { database in
            let tree = try await TreeOpening.open(
                name, in: database, keyType: form.keys.newKeyType, encoding: encoding.encoding,
                options.timeout?.duration, mayMake: !retry.isRetry)
            let keyForm = try form.keys.form(of: tree.info)
            var changes: [Tree<Bytes, Bytes>.Change] = []
            var conditions: [Tree<Bytes, Bytes>.Condition] = []
            var named = NamedKeys()
            for pair in pairs {
                let (keyText, valueText) = pair.pair(keyForm)
                let key = try named.take(try keyForm.key(keyText), as: pair.description)
                let value = try form.values.bytes(of: valueText, for: tree.info)
                changes.append(.set(key, value))
                if ifAbsent { conditions.append(.isAbsent(key)) }
                if ifPresent { conditions.append(.isPresent(key)) }
                if let ifValue {
                    let old = try form.values.bytes(of: ifValue.bytes, for: tree.info)
                    conditions.append(.isValue(key, old))
                }
            }
            changes += try delete.map { key throws(DatabaseError) in
                .remove(try named.take(try keyForm.key(key), as: "--delete \(key)"))
            }
            if let transaction = ShellTransaction.current {
                try ShellTransaction.refuse(retry)
                return try await put(changes, if: conditions, in: tree, transaction)
            }
            try await TreeOpening.replace(
                changes, if: conditions, in: tree, of: database, retry, options)
        }
    }

    /// In the transaction that the shell has open: all conditions are looked at before anything is
    /// set, since the transaction stays open when one does not hold.
    private func put(
        _ changes: [Tree<Bytes, Bytes>.Change], if conditions: [Tree<Bytes, Bytes>.Condition],
        in tree: Tree<Bytes, Bytes>, _ transaction: Transaction
    ) async throws {
        let ifValue = try ifValue.map { value throws(DatabaseError) in
            try form.values.bytes(of: value.bytes, for: tree.info)
        }
        if !conditions.isEmpty {
            let wanted = ifAbsent ? "no value" : ifPresent ? "a value" : "the value given"
            for case .set(let key, _) in changes {
                let now = try await transaction.value(tree, key)
                guard ifAbsent ? now == nil : ifPresent ? now != nil : now == ifValue else {
                    throw DatabaseError(
                        .conflict,
                        "the condition that key \(KeyText.text(key)) has \(wanted) does not hold "
                            + "in the transaction, which stays open; nothing of this line was done")
                }
            }
        }
        for change in changes {
            switch change {
            case .set(let key, let value): try transaction.set(tree, key, to: value)
            case .remove(let key): try transaction.remove(tree, key)
            }
        }
    }
}

/// The keys of one action: in an action that names one twice, all but the last would be lost
/// without a word, also when two texts are one key, as numbers that are rounded.
package struct NamedKeys {
    private var names: [Bytes: String] = [:]

    package init() {}

    /// - Parameter name: What named the key.
    /// - Throws: `.invalidArgument` with both names when the key was named before.
    package mutating func take(_ key: Bytes, as name: String) throws(DatabaseError) -> Bytes {
        guard let other = names.updateValue(name, forKey: key) else { return key }
        throw DatabaseError(
            .invalidArgument,
            "\"\(other)\" and \"\(name)\" are of one key, \(KeyText.text(key)); one action "
                + "changes a key once")
    }
}

extension ArgumentBytes {
    /// The key and the value of `key=value`: split at the first `=`, and behind a key that is a
    /// tuple, which may hold one, at the one behind its end.
    package func pair(_ form: KeyForm?) -> (key: ArgumentBytes, value: Bytes) {
        var start = bytes.startIndex
        if case .typed = form { start = JSONArrayEnd.index(in: bytes) ?? start }
        let equals = bytes[start...].firstIndex(of: UInt8(ascii: "=")) ?? bytes.endIndex
        return (ArgumentBytes(Array(bytes[..<equals])), Array(bytes[equals...].dropFirst()))
    }
}

/// Where a JSON array that text begins with ends.
private enum JSONArrayEnd {
    /// - Returns: The index behind the array; nil when the text begins with none that ends.
    static func index(in bytes: Bytes) -> Int? {
        guard bytes.first(where: { $0 != 0x20 }) == UInt8(ascii: "[") else { return nil }
        var depth = 0
        var isInString = false
        var isEscaped = false
        for (index, byte) in bytes.enumerated() {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return index + 1 }
            default: break
            }
        }
        return nil
    }
}

package struct TreeDeleteCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Takes the values of keys away, all of them in one atomic action.",
        discussion: """
            Prints the revision of the tree with the action in it. A key without a value is \
            no failure; it is said on stderr.
            """)

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var retry: RetryOptions
    @OptionGroup package var keyForm: KeyFormOption
    @Argument(help: "The tree.") package var name: ArgumentBytes
    @Argument(help: "The keys.") package var keys: [ArgumentBytes]

    package func run() async throws {
        let name = try name.collectionName()
        try keyForm.check(keys)
        try await options.withDatabase { database in
            let tree = try await retry.openAgain {
                try await database.openTree(named: name, timeout: options.timeout?.duration)
            }
            let form = try keyForm.form(of: tree.info)
            var named = NamedKeys()
            let keyBytes = try keys.map { key throws(DatabaseError) in
                try named.take(try form.key(key), as: key.description)
            }
            if let transaction = ShellTransaction.current {
                try ShellTransaction.refuse(retry)
                return try keyBytes.forEach { try transaction.remove(tree, $0) }
            }
            let commit = try await TreeOpening.replace(
                keyBytes.map { .remove($0) }, if: [], in: tree, of: database, retry, options)
            for (key, existed) in zip(keys, commit.existed) where !existed {
                StandardError.line("optimystic: no value for key \(key)")
            }
        }
    }
}

package struct TreeActionCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "action",
        abstract: "Tells whether an action of unknown outcome landed, and at which revision.")

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var asked: ActionArguments

    package func run() async throws {
        let action = asked.action
        try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            let tree = try await asked.open { name in
                try await database.openTree(named: name, timeout: timeout)
            }
            let commit = try await tree.status(
                of: action, firstRevision: asked.revision(in: tree.info), timeout: timeout)
            var output = StandardOutput()
            switch (commit, options.output) {
            case (let commit?, .text): output.line("landed at \(commit.revision)")
            case (nil, .text): output.line("not landed up to revision \(tree.revision)")
            case (let commit?, .json): output.line(commit.json(action).text)
            case (nil, .json):
                output.line(
                    JSONText.object([
                        "asOf": .number(tree.revision.rawValue), "revision": .null,
                    ]).text)
            }
        }
    }
}

/// What all commands that write a tree do.
enum TreeOpening {
    /// A tree that exists keeps its type of keys and its encoding.
    /// - Parameter mayMake: Whether it is made when there is none: not for a retry, whose first try
    ///   may have landed in what is gone.
    static func open(
        _ name: String, in database: Database, keyType: KeyType, encoding: ValueEncoding,
        _ timeout: Duration?, mayMake: Bool
    ) async throws -> Tree<Bytes, Bytes> {
        do {
            return try await database.openTree(named: name, timeout: timeout)
        } catch let error as DatabaseError where error.code == .collectionNotFound {
            guard mayMake else { throw error.asUnknown }
            return
                try await database.tree(
                    rawNamed: name, keyType: keyType,
                    coding: encoding == .json ? .rawJSON : .bytes, timeout: timeout)
        }
    }

    @discardableResult
    static func replace(
        _ changes: [Tree<Bytes, Bytes>.Change], if conditions: [Tree<Bytes, Bytes>.Condition],
        in tree: Tree<Bytes, Bytes>, of database: Database, _ retry: RetryOptions,
        _ options: CommandOptions
    ) async throws -> TreeCommit {
        let (id, commit) = try await retry.run(
            in: database, of: tree.info, seen: tree.revision,
            resolve: { "tree action \(ShellWords.quoted(tree.name)) \($0)" }
        ) { id, first in
            let commit = try await tree.replace(
                changes, if: conditions, id: id, firstRevision: first.revision,
                timeout: options.timeout?.duration)
            return (id, commit)
        }
        var output = StandardOutput()
        switch options.output {
        case .text: output.line("\(commit.revision)")
        case .json: output.line(commit.json(id).text)
        }
        return commit
    }
}

extension TreeCommit {
    fileprivate func json(_ action: ActionID) -> JSONText {
        .object([
            "action": .string("\(action)"), "existed": .array(existed.map { .boolean($0) }),
            "revision": .number(revision.rawValue),
        ])
    }
}
