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
            its first =; for other keys use --key-type hex. When a condition does not hold \
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
        try form.keys.check(delete + pairs.map { split($0).key })
        try await options.withDatabase { database in
            let tree = try await TreeOpening.open(
                name, in: database, keyType: form.keys.newKeyType, encoding: encoding.encoding,
                options.timeout?.duration)
            let keyForm = try form.keys.form(of: tree.info)
            var changes: [TreeChange<Bytes, Bytes>] = []
            var conditions: [TreeCondition<Bytes, Bytes>] = []
            for pair in pairs {
                let (keyText, valueText) = split(pair)
                let key = try keyForm.key(keyText)
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
                .remove(try keyForm.key(key))
            }
            try await TreeOpening.replace(
                changes, if: conditions, in: tree, of: database, retry, options)
        }
    }

    private func split(_ pair: ArgumentBytes) -> (key: ArgumentBytes, value: Bytes) {
        let equals = pair.bytes.firstIndex(of: UInt8(ascii: "=")) ?? pair.bytes.endIndex
        return (
            ArgumentBytes(Array(pair.bytes[..<equals])), Array(pair.bytes[equals...].dropFirst())
        )
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
            let tree = try await database.openTree(named: name, timeout: options.timeout?.duration)
            let form = try keyForm.form(of: tree.info)
            let keyBytes = try keys.map { key throws(DatabaseError) in try form.key(key) }
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
    @Argument(help: "The tree.") package var name: ArgumentBytes
    @Argument(help: "The id of the action.") package var action: ActionID
    @Option(
        name: .customLong("first-revision"),
        help: ArgumentHelp("What the action named.", valueName: "revision"))
    package var firstRevision: UInt64

    package func validate() throws {
        try RevisionArgument.check(firstRevision, "--first-revision")
    }

    package func run() async throws {
        let name = try name.collectionName()
        try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            let tree = try await database.openTree(named: name, timeout: timeout)
            let commit = try await tree.status(
                of: action, firstRevision: Revision(firstRevision), timeout: timeout)
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
    static func open(
        _ name: String, in database: Database, keyType: KeyType, encoding: ValueEncoding,
        _ timeout: Duration?
    ) async throws -> Tree<Bytes, Bytes> {
        do {
            return try await database.openTree(named: name, timeout: timeout)
        } catch let error as DatabaseError where error.code == .collectionNotFound {
            return try await database.tree(
                rawNamed: name, keyType: keyType, coding: encoding == .json ? .rawJSON : .bytes,
                timeout: timeout)
        }
    }

    @discardableResult
    static func replace(
        _ changes: [TreeChange<Bytes, Bytes>], if conditions: [TreeCondition<Bytes, Bytes>],
        in tree: Tree<Bytes, Bytes>, of database: Database, _ retry: RetryOptions,
        _ options: CommandOptions
    ) async throws -> TreeCommit {
        let (id, commit) = try await retry.run(
            in: database, seen: tree.revision,
            resolve: { "tree action \(ShellWords.quoted(tree.name)) \($0)" }
        ) { id, first in
            let commit = try await tree.replace(
                changes, if: conditions, id: id, firstRevision: first,
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
