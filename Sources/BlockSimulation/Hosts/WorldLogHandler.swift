import Logging

/// What a service of a world logs: kept as text while the world is traced. What is grave is told to
/// the service's process, always.
struct WorldLogHandler: LogHandler, @unchecked Sendable {
    // SAFETY: one belongs to one simulated world, which runs on one thread.
    private unowned let process: WorldProcess
    var metadata = Logger.Metadata()
    var logLevel: Logger.Level

    init(of process: WorldProcess) {
        self.process = process
        logLevel = process.world.isTraced ? .info : .error
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }
            .map { "\($0.key) = \($0.value)" }
        let line = ([event.message.description] + details).joined(separator: ", ")
        process.log { "\(event.level): \(line)" }
        if event.level >= .error { process.logged(line, isCritical: event.level == .critical) }
    }
}
