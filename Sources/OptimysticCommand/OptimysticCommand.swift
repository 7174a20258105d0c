import ArgumentParser
import BlockOperations
import BlockRuntime
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
            this process instead. These, --timeout and --output may stand first, last and in \
            between. A value that begins with - stands behind --, or behind a value. Keys and \
            values are bytes, names are UTF-8. Exit codes: 1 nothing there, 64 usage, \
            65 bad input, 69 unavailable, 70 internal, 74 input or output, 75 try again, \
            76 protocol, 77 not allowed, 78 configuration.
            """,
        version: Release.version,
        subcommands: [
            TreeCommand.self, DiaryCommand.self, QueueCommand.self, CollectionsCommand.self,
            CollectionCommand.self, TransactCommand.self, SnapshotCommand.self,
            ShellCommand.self, StatusCommand.self, VerifyCommand.self, InspectCommand.self,
            ExplainCommand.self,
            ClusterCommand.self,
        ])

    package static func main() async {
        StandardDescriptors.reserve()
        // The reader of our output may stop reading: that is an error of a write, and no end.
        signal(SIGPIPE, SIG_IGN)
        // A file that may not grow is an error of one write.
        signal(SIGXFSZ, SIG_IGN)
        let namesShell = ProcessArguments.words.contains { $0.elementsEqual("shell".utf8) }
        WritesUnderWay.watchSignals(isConversing: namesShell && isatty(STDIN_FILENO) == 1)
        Glibc.exit(await CommandRun.perform(ProcessArguments.words))
    }
}
