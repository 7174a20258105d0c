import BlockChaos
import BlockDeployment
import BlockRuntime
import Glibc

/// The cluster of a run behind its relay, and what is being done to it.
final class ChaosField {
    let cluster: LocalCluster
    let relay: Relay
    private let ports: [Link: UInt16]
    /// Faults that last, by their place in the plan.
    private var active: [Int: ChaosPlan.Fault] = [:]
    /// Members that were killed and not started again.
    private var down: Set<LocalCluster.Member> = []
    private(set) var counts: [ChaosPlan.Fault.Kind: Int] = [:]
    private(set) var killedRoles: Set<LocalCluster.Member.Role> = []
    private(set) var restartCount = 0
    /// Services that ended although no fault killed them.
    private(set) var selfEnded: [String] = []
    private let powerCuts: [LocalCluster.Member: PowerCut]
    /// What cuts of the power took away, and which of them could not.
    private(set) var powerLoss = PowerCut.Loss()
    private(set) var powerCutProblems: [String] = []

    /// Starts the relay and every service.
    init(_ cluster: LocalCluster, seed: UInt64) throws {
        self.cluster = cluster
        powerCuts = try ChaosField.preparePowerCuts(cluster)
        let links = Link.all(of: cluster.members)
        var generator = SeededGenerator(seed: seed)
        // The services do not listen at their own ports yet: these look free.
        let taken = Set(cluster.members.map { ChaosField.port(cluster.address(of: $0)) })
        let free = try LoopbackPorts.take(links.count + taken.count, using: &generator)
            .filter { !taken.contains($0) }
        ports = Dictionary(uniqueKeysWithValues: zip(links, free))
        let routes = zip(links, free).map { link, port in
            Relay.Route(
                link, port: port, targetPort: ChaosField.port(cluster.address(of: link.target)))
        }
        relay = try Relay.start(
            routes, environment: cluster.environment, generator: generator.fork())
        try redirect()
        try cluster.startAll()
    }

    /// Has every storage peer note what it has not synced.
    private static func preparePowerCuts(
        _ cluster: LocalCluster
    ) throws(DatabaseError) -> [LocalCluster.Member: PowerCut] {
        let library = cluster.executables + "/libPowerCut.so"
        guard access(library, R_OK) == 0 else {
            throw DatabaseError(.internalError, "\(library) is not there: build all of it")
        }
        var cuts: [LocalCluster.Member: PowerCut] = [:]
        for member in cluster.members where member.role == .storagePeer {
            let cut = PowerCut(directory: cluster.dataDirectory(of: member))
            cluster.setVariables(cut.variables(library: library), of: member)
            cuts[member] = cut
        }
        return cuts
    }

    private static func port(_ address: String) -> UInt16 {
        address.split(separator: ":").last.flatMap { UInt16($0) } ?? 0
    }

    private func address(of link: Link) -> String? {
        ports[link].map { "tcp://127.0.0.1:\($0)" }
    }

    /// Services find each other behind the relay only.
    private func redirect() throws {
        for member in cluster.members where member.role != .storagePeer {
            try cluster.redirect(member) { target in
                if let relayed = address(of: Link(from: member, to: target)) { return relayed }
                guard target.role == .clientProxy else { return cluster.address(of: target) }
                // A proxy names itself alone, so that clients choose the proxy they turn to.
                return member.role != .clientProxy || member == target
                    ? address(of: Link(from: nil, to: target)) : nil
            }
        }
    }

    /// What clients find the proxies at.
    var proxyAddresses: [String] {
        cluster.members.filter { $0.role == .clientProxy }
            .compactMap { address(of: Link(from: nil, to: $0)) }
    }

    var url: String {
        let hosts = proxyAddresses.map { $0.replacing("tcp://", with: "") }
        return "optimystic://\(hosts.joined(separator: ","))/\(cluster.shape.name)"
    }

    // MARK: Faults

    func begin(_ fault: ChaosPlan.Fault, _ number: Int) {
        active[number] = fault
        counts[fault.kind, default: 0] += 1
        switch fault {
        case .kill(let member): kill([member])
        case .powerCut: cutPower()
        case .pause(let member): cluster.process(of: member)?.send(SIGSTOP)
        case .reset(let member):
            relay.reset(Link.all(of: cluster.members).filter { $0.target == member })
        case .partition, .loss, .delay, .halfOpen: applyConditions()
        }
    }

    func end(_ number: Int) throws {
        guard let fault = active.removeValue(forKey: number) else { return }
        switch fault {
        case .kill, .powerCut:
            for member in down.sorted(by: { $0.description < $1.description })
            where !active.values.contains(where: { $0.kills(member) }) { try restart(member) }
        case .pause(let member): cluster.process(of: member)?.send(SIGCONT)
        case .partition, .loss, .delay, .halfOpen: applyConditions()
        case .reset: break
        }
    }

    private func kill(_ members: [LocalCluster.Member]) {
        for member in members {
            noteSelfEnded(member)
            cluster.process(of: member)?.send(SIGKILL)
        }
        for member in members {
            cluster.kill(member)
            down.insert(member)
            killedRoles.insert(member.role)
        }
    }

    /// All storage peers die at once, and what none of them has synced is gone.
    private func cutPower() {
        kill(cluster.members.filter { $0.role == .storagePeer })
        for (member, cut) in powerCuts {
            do throws(DatabaseError) {
                powerLoss.add(try cut.strike())
            } catch {
                powerCutProblems.append("\(member) kept what it had not synced: \(error)")
            }
        }
    }

    private func restart(_ member: LocalCluster.Member) throws {
        try cluster.start(member)
        down.remove(member)
        restartCount += 1
    }

    private func noteSelfEnded(_ member: LocalCluster.Member) {
        guard !down.contains(member), let ending = cluster.process(of: member)?.poll() else {
            return
        }
        selfEnded.append(
            "\(member) ended by itself (\(ending)): \(cluster.log(of: member).suffix(600))")
    }

    private func applyConditions() {
        var conditions: [Link: LinkCondition] = [:]
        for fault in active.values {
            conditions.merge(fault.conditions(of: cluster.members)) { $0.adding($1) }
        }
        relay.apply(conditions)
    }

    /// Ends what lasts, starts what is down, and waits until everything is ready.
    func heal() throws {
        for number in active.keys.sorted() { try end(number) }
        relay.apply([:])
        for member in cluster.members {
            noteSelfEnded(member)
            if cluster.process(of: member)?.isRunning != true { try restart(member) }
        }
        for member in cluster.members { try cluster.waitUntilReady(member) }
    }

    /// Stops every service in order.
    /// - Returns: What is wrong with how they ended.
    func stop() -> [String] {
        for member in cluster.members { noteSelfEnded(member) }
        let endings = cluster.stopAll()
        relay.close()
        return cluster.members.compactMap { member in
            guard let ending = endings[member], ending != .exited(0) else { return nil }
            return "\(member) did not stop in order (\(ending))"
        }
    }
}

extension ChaosPlan.Fault {
    fileprivate func kills(_ member: LocalCluster.Member) -> Bool {
        switch self {
        case .kill(let killed): killed == member
        case .powerCut: member.role == .storagePeer
        default: false
        }
    }
}
