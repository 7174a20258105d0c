import BlockRuntime
import Glibc
import Logging

/// The frame around every executable of this system: settings, logging, signals and exit codes.
package enum ServiceProcess {
    /// Everything a service is given to run with.
    package struct Context: Sendable {
        package let configuration: Configuration
        package let logger: Logger
        package let stop: StopSignal
        package let environment: BlockRuntime.Environment
    }

    /// Reads the settings, sets up logging and signals, runs `body` on the calling thread and ends
    /// the process: with 0 when `body` returns, else with the ``ExitCode`` of its error, which is
    /// the last log line.
    ///
    /// `--help`, `--version` and `--print-configuration` print to standard output and exit with 0
    /// before `body`, or with ``ExitCode/ioFailed`` when that cannot be written. A wrong setting
    /// is said in a plain sentence on standard error, since no log format has been chosen then.
    ///
    /// - Precondition: Called once in a process, first thing in `main`.
    /// - Parameter body: Returns once ``StopSignal/isRequested`` and its work is drained.
    package static func run(
        _ role: Role, arguments: [Bytes]? = nil, variables: [String: Bytes]? = nil,
        body: (Context) throws -> Void
    ) -> Never {
        StandardDescriptors.reserve()
        let environment = BlockRuntime.Environment.live()
        let log: LogQueue
        let stop: StopSignal
        do {
            log = try LogQueue(to: STDERR_FILENO)
            stop = try StopSignal.install()
        } catch {
            // Without a queue the line waits for its reader; there is nothing else left to do.
            LineWriter.standardError.writeLine(ErrorReport.sentence(program: role.name, error))
            exit(ExitCode(for: error).rawValue)
        }
        func end(_ code: ExitCode) -> Never {
            log.flush(within: Limits.logFlushTime, environment: environment)
            exit(code.rawValue)
        }
        let context: Context
        do {
            let variables =
                try variables ?? ProcessArguments.variables(prefix: role.environmentPrefix)
            let reader = ConfigurationReader(role: role, environment: variables)
            switch try reader.read(arguments ?? ProcessArguments.words) {
            case .answer(let text):
                try ServiceProcess.answer(text)
                end(.success)
            case .run(let configuration):
                context = try makeContext(configuration, stop: stop, log, environment)
            }
        } catch {
            log.write(Bytes("\(ErrorReport.sentence(program: role.name, error))\n".utf8))
            end(ExitCode(for: error))
        }
        do {
            try body(context)
            context.logger.notice("stopped")
            end(.success)
        } catch {
            end(ErrorReport.logLast(error, to: context.logger))
        }
    }

    /// Prints what was asked for.
    /// - Parameter done: What is done all the same when it cannot be written.
    /// - Throws: `.ioFailed` when it cannot be written.
    package static func answer(_ text: String, done: String? = nil) throws(DatabaseError) {
        guard !LineWriter.standardOutput.writeLine(text) else { return }
        let problem = LostOutput.problem ?? "nothing was taken"
        throw DatabaseError(
            .ioFailed,
            "\(done.map { "\($0), but " } ?? "")the answer could not be written to standard "
                + "output: \(problem)")
    }

    private static func makeContext(
        _ configuration: Configuration, stop: StopSignal, _ log: LogQueue,
        _ environment: BlockRuntime.Environment
    ) throws(DatabaseError) -> Context {
        LineLogHandler.bootstrap(
            format: try configuration.value(of: Role.logFormat),
            level: try configuration.value(of: Role.logLevel), environment: environment,
            queue: log, label: configuration.role.name)
        let logger = Logger(label: configuration.role.name)
        for warning in configuration.warnings {
            logger.warning("configuration", metadata: ["warning": .string(warning)])
        }
        return Context(
            configuration: configuration, logger: logger, stop: stop, environment: environment)
    }
}
