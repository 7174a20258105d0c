import ArgumentParser
import BlockModel
import BlockOperations
import BlockRuntime
import BlockStorageRocksDB
import Optimystic
import OptimysticEmbedded

/// How results are written.
package enum OutputForm: String, ExpressibleByArgument, CaseIterable {
    /// For people.
    case text
    /// One JSON object a line, with stable keys.
    case json
}

/// A time as settings write it: `250ms`, `5s`, `2m`.
package struct TimeArgument: ExpressibleByArgument, Hashable, Sendable {
    package let duration: Duration

    package init?(argument: String) {
        guard let duration = SettingText.duration(argument), duration > .zero,
            duration <= Limits.requestTimeMax
        else { return nil }
        self.duration = duration
    }
}

/// The options of every command that works on a database.
package struct CommandOptions: ParsableArguments {
    package init() {}

    @Option(
        help: ArgumentHelp(
            "The cluster: optimystic://host:port,host:port/clusterName.",
            discussion: "Default: the environment variable OPTIMYSTIC_URL.", valueName: "url"))
    package var connect: ArgumentBytes?

    @Option(
        help: ArgumentHelp(
            "Instead of a cluster: the directory of a database in this process; made when missing.",
            valueName: "path"))
    package var embedded: ArgumentBytes?

    @Option(help: "How results are written: text, or json (one object a line).")
    package var output = OutputForm.text

    @Option(
        help: ArgumentHelp(
            "Time for each request: 250ms, 5s, 2m; 10m at most. Default: the URL's, or 5s.",
            valueName: "time"))
    package var timeout: TimeArgument?

    package func validate() throws {
        guard connect == nil || embedded == nil else {
            throw ValidationError("--connect and --embedded exclude each other.")
        }
    }

    /// - Throws: `.invalidArgument` when neither the option nor the variable names a cluster.
    package func url(
        variable: Bytes? = ProcessArguments.variable("OPTIMYSTIC_URL")
    ) throws -> DatabaseURL {
        let named = try connect?.text("--connect")
        guard
            let text = try named
                ?? variable.map({ bytes throws(DatabaseError) in
                    try OutsideText.text(of: bytes, "the variable OPTIMYSTIC_URL")
                })
        else {
            throw DatabaseError(
                .invalidArgument,
                "no cluster is named; use --connect optimystic://host:port/clusterName, "
                    + "set OPTIMYSTIC_URL, or use --embedded PATH")
        }
        return try DatabaseURL(text)
    }

    /// Runs `body` with the database that the options name, and closes it; in a shell, with that of
    /// the shell unless they name one.
    func withDatabase<Value>(_ body: (Database) async throws -> Value) async throws -> Value {
        if connect == nil, embedded == nil, let shared = ShellSession.database {
            return try await body(shared)
        }
        let database = try await open()
        do {
            let value = try await body(database)
            await database.closeAndWait()
            return value
        } catch {
            await database.closeAndWait()
            throw error
        }
    }

    private func open() async throws -> Database {
        let time = timeout?.duration ?? Limits.requestTimeDefault
        if let embedded {
            if let problem = embedded.path.problem {
                throw DatabaseError(.invalidArgument, "the path behind --embedded \(problem)")
            }
            try DescriptorLimit.require(
                Limits.processDescriptorCount + Limits.engineOpenFileCountMax,
                for: "the store of an embedded database")
            return try await Database.embedded(at: embedded.path, timeout: time)
        }
        let url = try url()
        try DescriptorLimit.require(
            Limits.processDescriptorCount + url.addresses.count * Limits.linkDescriptorCount,
            for: "\(url.addresses.count) proxies")
        return try await Database.connect(to: url, connectTimeout: time)
    }
}
