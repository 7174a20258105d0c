import ArgumentParser
import BlockOperations
import Glibc
import Optimystic

/// The command line: results on stdout, everything else on stderr, exit codes of `sysexits.h`.
@main
package struct OptimysticCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "optimystic",
        abstract: "Talks to an Optimystic cluster, or to a database in a directory.",
        discussion: """
            The cluster is named by --connect or by the environment variable OPTIMYSTIC_URL, as \
            optimystic://host:port,host:port/clusterName; --embedded PATH opens a directory in \
            this process instead. Exit codes: 1 nothing \
            there, 64 usage, 65 bad input, 69 unavailable, 70 internal, 74 input or output, \
            75 try again, 76 protocol, 78 configuration.
            """,
        version: Release.version,
        subcommands: [
            TreeCommand.self, DiaryCommand.self, QueueCommand.self, CollectionsCommand.self,
            CollectionCommand.self,
            ShellCommand.self, StatusCommand.self, VerifyCommand.self, InspectCommand.self,
            ExplainCommand.self,
            ClusterCommand.self,
        ])

    package static func main() async {
        StandardDescriptors.reserve()
        // Whoever reads our output may stop reading: StandardOutput ends the process quietly.
        signal(SIGPIPE, SIG_IGN)
        // A file that may not grow is an error of one write.
        signal(SIGXFSZ, SIG_IGN)
        do {
            let arguments = Array(CommandLine.arguments.dropFirst())
            var command = try parseAsRoot(LeadingOptions.moved(arguments, in: Self.self))
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as DatabaseError {
            StandardError.line(ErrorReport.sentence(program: "optimystic", error))
            Glibc.exit(BlockOperations.ExitCode(for: error).rawValue)
        } catch {
            exit(withError: error)
        }
    }
}

/// Options of every command may also stand before the command's words, as in
/// `optimystic --output json diary read events`.
package enum LeadingOptions {
    private static let names = ["--connect", "--embedded", "--output", "--timeout"]

    /// `arguments` with the leading options moved behind the words of the command.
    package static func moved(
        _ arguments: [String], in root: any ParsableCommand.Type
    ) -> [String] {
        var leading: [String] = []
        var rest = arguments[...]
        while let first = rest.first {
            if names.contains(first) {
                leading += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if names.contains(where: { first.hasPrefix("\($0)=") }) {
                leading.append(first)
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        guard !leading.isEmpty else { return arguments }
        var words: [String] = []
        var command = root
        while let word = rest.first,
            let next = command.configuration.subcommands.first(where: {
                $0.configuration.commandName == word
            })
        {
            words.append(word)
            command = next
            rest = rest.dropFirst()
        }
        return words + leading + rest
    }
}
