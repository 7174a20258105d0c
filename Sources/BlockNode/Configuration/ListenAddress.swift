import BlockModel
import BlockRuntime

/// Where a service listens: what its command line says, and what the cluster file tells all others.
package struct ListenAddress: Hashable, Sendable {
    package let address: String
    /// The two say different things: clients and other services may look for this one elsewhere.
    /// nil when they agree.
    package let warning: String?

    /// - Parameters:
    ///   - role: What the services are, for messages: "coordinator".
    ///   - listen: What the command line says; nil when it says nothing.
    ///   - name: Which of the services this one is; nil when that is not said.
    ///   - services: Those of the role that the cluster file names.
    /// - Throws: `.configurationInvalid` for a name that the cluster file does not have;
    ///   `.invalidArgument` when it is not said which of several services this one is.
    package init(
        of role: String, listen: NetworkAddress?, name: String?,
        among services: [ClusterMap.Service]
    ) throws(DatabaseError) {
        let names = services.map(\.name).joined(separator: ", ")
        let own = name.flatMap { name in
            services.first { ExactText($0.name) == ExactText(name) }
        }
        if let name, own == nil {
            throw DatabaseError(
                .configurationInvalid,
                "the cluster file names no \(role) \"\(name)\"; it names \(names)")
        }
        guard let listen else {
            guard let place = own ?? (services.count == 1 ? services[0] : nil) else {
                throw DatabaseError(
                    .invalidArgument,
                    "the cluster file names \(services.count) of this role (\(names)): say which "
                        + "one this is (--name), or where to listen (--listen)")
            }
            address = place.address
            warning = nil
            return
        }
        address = listen.description
        let places = own.map { [$0] } ?? services
        guard !places.contains(where: { ListenAddress.serves(listen, $0.address) }) else {
            warning = nil
            return
        }
        let said = places.map { "\($0.name) \($0.address)" }.joined(separator: ", ")
        warning =
            "it listens at \(listen), where the cluster file sends nobody: it says \(said). Others "
            + "find it only if something between forwards that address"
    }

    /// As ``init(of:listen:name:among:)`` for a storage peer, which its data directory names.
    package init(of peer: ClusterMap.Peer, listen: NetworkAddress?) throws(DatabaseError) {
        try self.init(
            of: "storage peer", listen: listen, name: nil,
            among: [ClusterMap.Service(name: peer.name, address: peer.address)])
    }

    /// Whether who connects to `other` may meet who listens at `listen`: the same port, of the same
    /// host or of every interface. What a name of a host stands for, only the network knows.
    private static func serves(_ listen: NetworkAddress, _ other: String) -> Bool {
        guard let other = NetworkAddress(other) else { return false }
        if listen.port == 0 { return false }
        guard listen.port == other.port else { return false }
        return listen.host == other.host || !listen.canBeReached || !other.isNumeric
            || !listen.isNumeric
    }
}
