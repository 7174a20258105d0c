import BlockModel
import BlockRuntime
import BlockTransportZeroMQ
import OptimysticClient

/// A connection to a cluster.
///
/// Safe to use from any number of tasks. Every call has a deadline: the timeout of the URL (5 s
/// unless it says otherwise), or the one the call is given. Within it, a call turns to another
/// proxy when one does not answer, with the same action id, so nothing is applied twice.
///
/// Failures are `DatabaseError`. Decide by its `outcome`: `notApplied` means nothing was and
/// nothing will be applied; `unknown` means it may have been, or may be later. An action whose
/// outcome is unknown stays so, however it is refused when it is sent again under its id over the
/// same database object; an id that outlives the object is the application's to remember.
/// Cancelling a task drops its request only: an append that was sent may still land.
///
/// Every call may throw `.deadlineExceeded`, `.endpointUnreachable`, `.quorumUnavailable`,
/// `.overloaded` and `.shuttingDown`; one that changes something, `.commitResultUnknown`; one on a
/// handle whose collection was dropped, `.collectionNotFound`. What a call throws besides stands
/// with it. ``ErrorCode`` says what each means and what can be done.
public final class Database: Sendable {
    /// The time a request has, and the time to look for a proxy, unless the application says
    /// otherwise.
    public static let timeoutDefault = Limits.requestTimeDefault
    /// The longest time that a request may be given.
    public static let timeoutMax = Limits.requestTimeMax

    /// The cluster as the proxy introduced it.
    public let cluster: Welcome
    /// The time a request has unless a call says otherwise.
    public let timeout: Duration

    package let connection: Connection
    /// Names this client in what it lands.
    let client: Identifier128
    private let environment: Environment

    package init(
        connection: Connection, cluster: Welcome, timeout: Duration, environment: Environment
    ) {
        self.connection = connection
        self.cluster = cluster
        self.timeout = timeout
        self.environment = environment
        client = environment.identifier()
    }

    /// Connects to the cluster that `url` names and checks its name.
    ///
    /// - Parameters:
    ///   - url: See ``DatabaseURL``.
    ///   - connectTimeout: How long to look for a proxy that answers.
    /// - Throws: `.invalidArgument` for a URL that is none; `.endpointUnreachable` naming each
    ///   endpoint and what was wrong with it; `.wrongCluster` when a proxy belongs to another.
    public static func connect(
        _ url: String, connectTimeout: Duration = Database.timeoutDefault
    ) async throws -> Database {
        try await connect(to: DatabaseURL(url), connectTimeout: connectTimeout)
    }

    /// As ``connect(_:connectTimeout:)`` for a URL that was parsed.
    public static func connect(
        to url: DatabaseURL, connectTimeout: Duration = Database.timeoutDefault
    ) async throws -> Database {
        let environment = Environment.live()
        let connection = try await Connection.open(
            addresses: url.addresses, clusterName: url.clusterName, environment: environment
        ) { () throws(DatabaseError) in
            TransportLink(over: try ZeroMQTransport(), environment: environment)
        }
        return try await Database(
            over: connection, clusterName: url.clusterName, connectTimeout: connectTimeout,
            timeout: url.timeout, environment: environment)
    }

    /// Greets the cluster over a connection. Closes the connection on failure.
    package convenience init(
        over connection: Connection, clusterName: String, connectTimeout: Duration,
        timeout: Duration, environment: Environment
    ) async throws {
        do {
            let hello = ClientRequest.hello(clusterName: clusterName)
            let reply = try await connection.request(hello, timeout: connectTimeout)
            guard case .welcome(let welcome) = reply else { throw Database.unexpectedReply(reply) }
            self.init(
                connection: connection, cluster: welcome, timeout: timeout,
                environment: environment)
        } catch {
            // Not before everything is given back: the process may end now, or open it again.
            await connection.closeAndWait()
            throw error
        }
    }

    /// Ends the connection. What is under way fails with `.shuttingDown`, or with an unknown
    /// outcome where that is the truth. Letting go of the database does the same.
    public func close() { connection.close() }

    /// As ``close()``; returns when everything is given back, so that the directory of an embedded
    /// database can be opened again.
    public func closeAndWait() async { await connection.closeAndWait() }

    /// A new action id: 128 random bits.
    public func makeActionID() -> ActionID { ActionID(rawValue: environment.identifier()) }

    /// For delays that must differ between processes.
    func makeGenerator() -> SeededGenerator { environment.generator() }

    /// Milliseconds since 1970, for people.
    package var wallMilliseconds: UInt64 { environment.wallMilliseconds() }

    // MARK: Requests

    /// Sends a request and takes the part of the answer that was asked for.
    func ask<Answer>(
        _ request: ClientRequest, timeout: Duration?, _ pick: (ClientReply) -> Answer?
    ) async throws -> Answer {
        let reply = try await connection.request(request, timeout: timeout ?? self.timeout)
        guard let answer = pick(reply) else { throw Database.unexpectedReply(reply) }
        return answer
    }

    static func unexpectedReply(_ reply: ClientReply) -> DatabaseError {
        DatabaseError(
            .malformedMessage, "the proxy answered something else than was asked",
            outcome: .unknown)
    }
}
