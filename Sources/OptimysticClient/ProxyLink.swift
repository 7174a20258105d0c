import BlockModel
import BlockRuntime
import BlockTransport

/// The way from a connection to the proxies it talks to: a network, or the same process.
///
/// Belongs to the thread that made it; only its ``waker`` may be used elsewhere. What is handed
/// over may be lost.
package protocol ProxyLink: AnyObject {
    /// Ends a wait in ``receive(timeout:)`` from any thread.
    var waker: Waker { get }

    /// Makes the link to the next proxy: they are numbered from 0, as they come.
    /// - Throws: `.configurationInvalid` for an address that can never work; the number is taken
    ///   all the same, and ``send(_:to:id:deadline:cluster:)`` to it fails.
    func connect(to address: String) throws(DatabaseError)

    /// Hands a request over. Never waits.
    /// - Returns: Whether it was taken; when it was not, no proxy will get it.
    func send(
        _ request: ClientRequest, to proxy: Int, id: UInt64, deadline: Instant, cluster: ClusterID?
    ) -> Bool

    /// Waits for replies, a wake-up or the timeout, then takes what is there.
    /// - Parameter timeout: nil waits without end.
    /// - Throws: What ends the connection.
    func receive(timeout: Duration?) throws(DatabaseError) -> [LinkArrival]

    func close()
}

/// What comes from proxies.
package enum LinkArrival {
    /// An answer to what was sent as `id`.
    case reply(id: UInt64, ClientReply)
    /// The connection to a proxy broke: what was sent and is not answered may be lost.
    case broken(proxy: Int)
    /// A proxy cannot be connected to, and why.
    case unreachable(proxy: Int, DatabaseError)
    /// A proxy is connected and says nothing.
    case silent(proxy: Int)
}
