import BlockRuntime
import Logging

/// A swift-log handler that writes one line an event.
///
/// JSON lines have `ts`, `level`, `label`, `msg` and then the metadata sorted by key. Integers and
/// booleans given as `.stringConvertible` are JSON numbers and booleans; everything else is text.
/// A field is cut at `Limits.logFieldBytesMax`.
package struct LineLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level
    private let label: String
    private let format: LogFormat
    private let wallMilliseconds: @Sendable () -> UInt64
    private let output: @Sendable (Bytes) -> Void

    /// - Parameters:
    ///   - wallMilliseconds: Milliseconds since 1970-01-01 UTC, as `Environment` has them.
    ///   - output: Takes one line, its line feed included.
    package init(
        label: String, format: LogFormat, level: Logger.Level,
        wallMilliseconds: @escaping @Sendable () -> UInt64,
        output: @escaping @Sendable (Bytes) -> Void
    ) {
        self.label = label
        self.format = format
        logLevel = level
        self.wallMilliseconds = wallMilliseconds
        self.output = output
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        // The nearer to the event, the stronger: handler, provider, event.
        var merged = metadata
        if let provided = metadataProvider?.get() { merged.merge(provided) { $1 } }
        if let own = event.metadata { merged.merge(own) { $1 } }
        if let error = event.error { merged["error"] = .string("\(error)") }
        let line = LogLine(
            milliseconds: wallMilliseconds(), level: event.level, label: label,
            message: event.message.description, metadata: merged)
        output(line.rendered(as: format))
    }
}

extension LineLogHandler {
    /// Makes every logger of this process write to `queue`.
    ///
    /// - Parameter label: Of the line that says how many lines were lost.
    /// - Precondition: Called at most once in a process, before the first logger is made.
    package static func bootstrap(
        format: LogFormat, level: Logger.Level, environment: Environment, queue: LogQueue,
        label: String
    ) {
        queue.setLossLine { count in
            LogLine(
                milliseconds: environment.wallMilliseconds(), level: .warning, label: label,
                message: "log lines lost", metadata: ["count": .stringConvertible(count)]
            ).rendered(as: format)
        }
        LoggingSystem.bootstrap { label in
            LineLogHandler(
                label: label, format: format, level: level,
                wallMilliseconds: environment.wallMilliseconds,
                output: { queue.write($0) })
        }
    }
}
