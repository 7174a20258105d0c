import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic

package struct TreeGetCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Prints the value of a key, or of several at one revision: key, tab, value.",
        discussion: "Exit code 1 when a key has no value.")

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var form: TreeForm
    @OptionGroup package var time: AsOfOption
    @Argument(help: "The tree.") package var name: ArgumentBytes
    @Argument(help: "The keys.") package var keys: [ArgumentBytes]

    package func run() async throws {
        let name = try name.collectionName()
        try form.keys.check(keys)
        let isWhole = try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            let tree = try await database.openTree(named: name, timeout: timeout)
            let keyForm = try form.keys.form(of: tree.info)
            let keyBytes = try keys.map { key throws(DatabaseError) in try keyForm.key(key) }
            let values =
                if let transaction = ShellTransaction.current, time.asOf == nil {
                    try await transaction.values(tree, keyBytes)
                } else {
                    try await time.view(of: tree).values(for: keyBytes, timeout: timeout)
                }
            var output = StandardOutput()
            for (index, value) in values.enumerated() {
                try print(keyBytes[index], keyForm, value, of: tree.info, &output)
            }
            return !values.contains(nil)
        }
        if !isWhole { throw Nothing.exit }
    }

    private func print(
        _ key: Bytes, _ keyForm: KeyForm, _ value: Bytes?, of info: CollectionInfo,
        _ output: inout StandardOutput
    ) throws {
        switch (value, options.output) {
        case (let value?, .text) where keys.count == 1: output.line(form.values.text(of: value))
        case (let value?, _): output.line(try form.line(key, value, of: info, options.output))
        case (nil, .json):
            output.line(
                JSONText.object(["found": .boolean(false), "key": try keyForm.json(of: key)])
                    .text)
        case (nil, .text):
            StandardError.line("optimystic: no value for key \(try keyForm.text(of: key))")
        }
    }
}

package struct TreeRangeCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "range",
        abstract: "Prints the entries between two keys as of one revision: key, tab, value.")

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var form: TreeForm
    @OptionGroup package var range: RangeOptions
    @OptionGroup package var time: AsOfOption
    @Argument(help: "The tree.") package var name: ArgumentBytes
    @Flag(help: "From the greatest key to the smallest.") package var reverse = false
    @Option(help: ArgumentHelp("Entries to print at most.", valueName: "count"))
    package var limit: Int?

    package func validate() throws {
        try LimitArgument.check(limit)
    }

    package func run() async throws {
        let name = try name.collectionName()
        try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            let tree = try await database.openTree(named: name, timeout: timeout)
            let interval = try range.keys(form.keys.form(of: tree.info))
            let entries = try time.view(of: tree).entries(
                in: interval, direction: reverse ? .backward : .forward, limit: limit,
                timeout: timeout)
            var output = StandardOutput()
            for try await entry in entries {
                output.line(try form.line(entry.key, entry.value, of: tree.info, options.output))
                if StandardOutput.isBroken { break }
            }
        }
    }
}

package struct TreeCountCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "count", abstract: "Prints the number of entries, of all or of a range.")

    @OptionGroup package var options: CommandOptions
    @OptionGroup package var range: RangeOptions
    @OptionGroup package var time: AsOfOption
    @OptionGroup package var keyForm: KeyFormOption
    @Argument(help: "The tree.") package var name: ArgumentBytes

    package func run() async throws {
        let name = try name.collectionName()
        let count = try await options.withDatabase { database in
            let timeout = options.timeout?.duration
            let tree = try await database.openTree(named: name, timeout: timeout)
            let interval = try range.keys(keyForm.form(of: tree.info))
            return try await time.view(of: tree).count(in: interval, timeout: timeout)
        }
        var output = StandardOutput()
        switch options.output {
        case .text: output.line("\(count)")
        case .json: output.line(JSONText.object(["count": .count(count)]).text)
        }
    }
}
