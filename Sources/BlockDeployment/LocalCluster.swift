import BlockRuntime
import Foundation
import Synchronization

/// A cluster of real executables on loopback in a directory of its own, for demonstrations and
/// tests. The owner of one calls ``tearDown()``, whatever happens: then no process and no file of
/// it is left.
package final class LocalCluster: Sendable {
    /// How much of each service there is.
    package struct Shape: Hashable, Sendable {
        package var name = "demo"
        package var peers = 3
        package var replicas = 3
        package var shards = 16
        package var coordinators = 2
        package var proxies = 1
        /// Whether each proxy names only itself, so that a client stays with that of its URL.
        package var isolatesProxies = false
        package init() {}
    }

    /// One service of the cluster.
    package struct Member: Hashable, Sendable, CustomStringConvertible {
        package enum Role: String, Sendable, CaseIterable {
            case storagePeer = "storage-peer"
            case coordinator = "coordinator"
            case clientProxy = "client-proxy"
        }

        package let role: Role
        /// From 1.
        package let number: Int

        package init(_ role: Role, _ number: Int) {
            self.role = role
            self.number = number
        }

        package var description: String { "\(role.rawValue) \(number)" }
        /// For file names.
        fileprivate var slug: String { "\(role.rawValue)-\(number)" }
    }

    /// The folder of the executables.
    package let executables: String
    package let directory: String
    package let shape: Shape
    package let environment: BlockRuntime.Environment
    private let addresses: [Member: String]
    private let state = Mutex(State())

    private struct State {
        var processes: [Member: ChildProcess] = [:]
        /// Members that have a cluster file of their own.
        var redirected: Set<Member> = []
        /// How often each was started: its logs are numbered.
        var startCounts: [Member: Int] = [:]
        /// Variables of members that get some beyond those of this process, as `NAME=value`.
        var variables: [Member: [String]] = [:]
        var isTornDown = false
    }

    /// Makes the directory, the identities and the cluster file. Nothing runs yet.
    ///
    /// - Parameter executables: The folder that holds the three services and `optimystic`.
    /// - Throws: What a tool said when it failed; nothing is left then.
    package init(executables: String, shape: Shape = Shape()) throws {
        self.executables = executables
        self.shape = shape
        environment = BlockRuntime.Environment.live()
        var generator = environment.generator()
        let members = LocalCluster.members(of: shape)
        let ports = try LoopbackPorts.take(members.count, using: &generator)
        var addresses: [Member: String] = [:]
        for (member, port) in zip(members, ports) { addresses[member] = "tcp://127.0.0.1:\(port)" }
        self.addresses = addresses
        directory =
            FileManager.default.temporaryDirectory.path
            + "/optimystic-\(environment.identifier())"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        do {
            try plan()
        } catch {
            tearDown()
            throw error
        }
    }

    package static func members(of shape: Shape) -> [Member] {
        (1...shape.peers).map { Member(.storagePeer, $0) }
            + (1...shape.coordinators).map { Member(.coordinator, $0) }
            + (1...shape.proxies).map { Member(.clientProxy, $0) }
    }

    private func plan() throws {
        var arguments = ["cluster", "plan", "--name", shape.name, "--out", clusterFile]
        arguments += ["--replicas", "\(shape.replicas)", "--shards", "\(shape.shards)"]
        for member in members {
            switch member.role {
            case .storagePeer:
                let data = dataDirectory(of: member)
                try expectSuccess(
                    run("storage-peer", ["init", "--data-directory", data]), "storage-peer init")
                arguments += ["--peer", "\(data)=\(address(of: member))"]
            case .coordinator: arguments += ["--coordinator", address(of: member)]
            case .clientProxy: arguments += ["--proxy", address(of: member)]
            }
        }
        try expectSuccess(run("optimystic", arguments), "optimystic cluster plan")
        if shape.isolatesProxies { try isolateProxies() }
    }

    /// Gives each proxy a cluster file of its own, without the other proxies.
    private func isolateProxies() throws {
        for member in members where member.role == .clientProxy {
            let data = try Data(contentsOf: URL(fileURLWithPath: clusterFile))
            guard var map = try JSONSerialization.jsonObject(with: data) as? [String: Any],
                let proxies = map["proxies"] as? [[String: Any]]
            else { throw DatabaseError(.internalError, "\(clusterFile) names no proxies") }
            map["proxies"] = proxies.filter { $0["address"] as? String == address(of: member) }
            try JSONSerialization.data(withJSONObject: map)
                .write(to: URL(fileURLWithPath: redirectedClusterFile(of: member)))
        }
    }

    /// Gives a member a cluster file of its own, in which the services are elsewhere: behind a
    /// relay. Takes effect when it is started.
    ///
    /// - Parameter address: Where the member finds a service; nil leaves the service out.
    package func redirect(_ member: Member, _ address: (Member) -> String?) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: clusterFile))
        guard var map = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw DatabaseError(.internalError, "\(clusterFile) is no object")
        }
        let places = Dictionary(uniqueKeysWithValues: addresses.map { ($1, $0) })
        for list in ["peers", "coordinators", "proxies"] {
            guard let services = map[list] as? [[String: Any]] else {
                throw DatabaseError(.internalError, "\(clusterFile) names no \(list)")
            }
            map[list] = services.compactMap { service in
                guard let place = (service["address"] as? String).flatMap({ places[$0] }),
                    let address = address(place)
                else { return nil as [String: Any]? }
                return service.merging(["address": address]) { $1 }
            }
        }
        try JSONSerialization.data(withJSONObject: map)
            .write(to: URL(fileURLWithPath: redirectedClusterFile(of: member)))
        state.withLock { _ = $0.redirected.insert(member) }
    }

    /// Gives a member variables beyond those of this process, from its next start on.
    package func setVariables(_ variables: [String], of member: Member) {
        state.withLock { $0.variables[member] = variables }
    }

    private func redirectedClusterFile(of member: Member) -> String {
        directory + "/cluster-\(member.slug).json"
    }

    private func ownClusterFile(of member: Member) -> String {
        let isRedirected = state.withLock { $0.redirected.contains(member) }
        let isIsolated = shape.isolatesProxies && member.role == .clientProxy
        return isRedirected || isIsolated ? redirectedClusterFile(of: member) : clusterFile
    }

    private func expectSuccess(_ result: CommandResult, _ command: String) throws {
        guard result.ending == .exited(0) else {
            throw DatabaseError(
                .internalError, "\(command) ended with \(result.ending): \(result.errors)")
        }
    }

    // MARK: Where things are

    /// Storage peers, coordinators, proxies.
    package var members: [Member] { LocalCluster.members(of: shape) }
    package var clusterFile: String { directory + "/cluster.json" }
    package func address(of member: Member) -> String { addresses[member] ?? "" }
    package func dataDirectory(of member: Member) -> String { directory + "/" + member.slug }
    package func logFile(of member: Member) -> String { directory + "/\(member.slug).log" }

    /// What the service has logged since it was started last.
    package func log(of member: Member) -> String {
        (try? String(contentsOfFile: logFile(of: member), encoding: .utf8)) ?? ""
    }

    /// What an application connects to.
    package var url: String { url(of: members.filter { $0.role == .clientProxy }) }

    /// What an application connects to that shall begin with these proxies.
    package func url(of proxies: [Member]) -> String {
        let list = proxies.map { address(of: $0).replacingOccurrences(of: "tcp://", with: "") }
        return "optimystic://\(list.joined(separator: ","))/\(shape.name)"
    }

    // MARK: Starting and ending

    /// Starts every member that does not run, and waits until all are ready.
    package func startAll() throws {
        for member in members where process(of: member)?.isRunning != true { try start(member) }
        for member in members { try waitUntilReady(member) }
    }

    /// Starts a member and does not wait for it.
    package func start(_ member: Member, extra: [String] = []) throws {
        let arguments = arguments(of: member) + extra
        // Under the lock: a process that is started while all is torn down would stay behind.
        try state.withLock { state throws(DatabaseError) in
            guard !state.isTornDown else {
                throw DatabaseError(.shuttingDown, "the cluster is torn down")
            }
            // What it logged before it was killed stays, as `….log.1` and so on.
            let count = state.startCounts[member, default: 0]
            if count > 0 { rename(logFile(of: member), logFile(of: member) + ".\(count)") }
            state.startCounts[member] = count + 1
            state.processes[member] = try ChildProcess.start(
                executables + "/" + member.role.rawValue, arguments,
                output: nil, errors: logFile(of: member),
                variables: state.variables[member].map { own in
                    ProcessInfo.processInfo.environment.map { "\($0)=\($1)" } + own
                })
        }
    }

    package func arguments(of member: Member) -> [String] {
        var arguments = [
            "--cluster-file", ownClusterFile(of: member), "--listen", address(of: member),
        ]
        if member.role == .storagePeer {
            arguments += ["--data-directory", dataDirectory(of: member)]
        }
        return arguments
    }

    /// Waits until a started member says that it is ready.
    /// - Throws: `.endpointUnreachable` with the end of its log when it ends or takes too long.
    package func waitUntilReady(_ member: Member) throws(DatabaseError) {
        let end = environment.now().advanced(by: Limits.startTimeMax)
        while !log(of: member).contains("\"msg\":\"ready\"") {
            let isRunning = process(of: member)?.isRunning ?? false
            guard isRunning, environment.now() < end else {
                throw DatabaseError(
                    .endpointUnreachable,
                    "\(member) \(isRunning ? "is not ready" : "ended"): "
                        + log(of: member).suffix(2000))
            }
            usleep(10_000)
        }
    }

    /// The process of a member; nil when it was never started.
    package func process(of member: Member) -> ChildProcess? {
        state.withLock { $0.processes[member] }
    }

    /// SIGKILL, and waits until the process is gone.
    package func kill(_ member: Member) {
        process(of: member)?.kill(environment: environment)
    }

    /// SIGTERM, and waits until the process has ended.
    @discardableResult
    package func stop(_ member: Member) -> ChildProcess.Ending? {
        process(of: member)?.stop(patience: Limits.stopTimeMax, environment: environment)
    }

    /// Asks all to stop, proxies and coordinators first, as neither should wait for a peer that is
    /// gone.
    /// - Returns: How each ended.
    @discardableResult
    package func stopAll() -> [Member: ChildProcess.Ending] {
        var endings: [Member: ChildProcess.Ending] = [:]
        for role in [Member.Role.clientProxy, .coordinator, .storagePeer] {
            let members = members.filter { $0.role == role }
            for member in members { process(of: member)?.send(SIGTERM) }
            // A second signal would end a service without its drain.
            for member in members {
                endings[member] = process(of: member)?.awaitEnd(
                    patience: Limits.stopTimeMax, environment: environment)
            }
        }
        return endings
    }

    /// Kills what still runs and removes the directory. From any thread; nothing starts afterwards.
    /// - Parameter keepsDirectory: Whether data and logs stay, for people to look at.
    package func tearDown(keepsDirectory: Bool = false) {
        state.withLock { $0.isTornDown = true }
        for member in members { kill(member) }
        if !keepsDirectory { try? FileManager.default.removeItem(atPath: directory) }
    }

    // MARK: Tools

    /// What a tool of ours printed, and how it ended.
    package struct CommandResult: Sendable {
        package let ending: ChildProcess.Ending
        package let output: String
        package let errors: String
    }

    /// Runs an executable of ours to its end.
    /// - Parameter timeout: After which it is killed.
    package func run(
        _ executable: String, _ arguments: [String], input: String? = nil,
        timeout: Duration = Limits.commandTimeMax, variables: [String]? = nil
    ) throws(DatabaseError) -> CommandResult {
        try runTool(
            executables + "/" + executable, arguments, input: input, timeout: timeout,
            variables: variables)
    }

    /// The same for any program, by its path.
    package func runTool(
        _ path: String, _ arguments: [String], input: String? = nil,
        timeout: Duration = Limits.commandTimeMax, variables: [String]? = nil
    ) throws(DatabaseError) -> CommandResult {
        let files = directory + "/run-\(environment.identifier())"
        defer {
            unlink(files + ".out")
            unlink(files + ".err")
        }
        let child = try ChildProcess.start(
            path, arguments, input: input, output: files + ".out", errors: files + ".err",
            variables: variables)
        let ending =
            child.wait(timeout: timeout, environment: environment)
            ?? child.kill(environment: environment)
        return CommandResult(
            ending: ending,
            output: (try? String(contentsOfFile: files + ".out", encoding: .utf8)) ?? "",
            errors: (try? String(contentsOfFile: files + ".err", encoding: .utf8)) ?? "")
    }
}
