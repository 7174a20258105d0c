import BlockModel
import BlockRuntime

extension ClusterMap {
    /// What a proxy answers to a client that introduces itself.
    /// - Parameter name: Of the cluster that the client means.
    func welcome(_ name: String, release: String) -> ClientReply {
        guard ExactText(name) == ExactText(self.name) else {
            let message = "this is the cluster \"\(self.name)\", not \"\(name)\""
            return .failed(DatabaseError(.wrongCluster, message))
        }
        return .welcome(
            Welcome(
                cluster: cluster, clusterName: self.name, proxies: proxies.map(\.address),
                version: release))
    }
}
