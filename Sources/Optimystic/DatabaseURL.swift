import BlockModel
import BlockRuntime

/// Where a database is: `optimystic://host:port,host:port/clusterName?timeout=5s`.
///
/// The hosts are client proxies; any one that answers is enough, it names the others. The cluster's
/// name is checked when a connection is made, so that a mistaken port cannot write elsewhere. An
/// IPv6 host is written in brackets. `timeout` is the time a request has unless a call says
/// otherwise: `250ms`, `5s` or `1m`.
public struct DatabaseURL: Hashable, Sendable {
    /// Of the proxies, as `tcp://host:port`.
    public let addresses: [String]
    /// The cluster that the proxies must belong to.
    public let clusterName: String
    /// The time a request has unless a call says otherwise.
    public let timeout: Duration

    private static let scheme = "optimystic://"

    /// - Throws: `.invalidArgument` naming the part that is wrong and what was expected.
    public init(_ text: String) throws(DatabaseError) {
        guard text.utf8.count <= Limits.urlBytesMax else {
            throw DatabaseURL.problem(
                text, "it has \(text.utf8.count) bytes, urlBytesMax = \(Limits.urlBytesMax)")
        }
        guard text.utf8.starts(with: DatabaseURL.scheme.utf8) else {
            throw DatabaseURL.problem(text, "it does not begin with \(DatabaseURL.scheme)")
        }
        // Parts end at bytes: a character may begin with a "/" and go on with an accent.
        let rest = text.utf8.dropFirst(DatabaseURL.scheme.utf8.count)
        let parts = rest.split(
            separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let slash = parts[0].firstIndex(of: UInt8(ascii: "/")) else {
            throw DatabaseURL.problem(text, "\"/\" and the cluster's name are missing")
        }
        clusterName = String(Substring(parts[0][slash...].dropFirst()))
        if let expected = NameText.problem(ofClusterName: clusterName) {
            throw DatabaseURL.problem(text, "the cluster's name must be \(expected)")
        }
        addresses = try DatabaseURL.addresses(parts[0][..<slash], of: text)
        timeout =
            parts.count == 2
            ? try DatabaseURL.timeout(Substring(parts[1]), of: text) : Limits.requestTimeDefault
    }

    private static func addresses(
        _ list: Substring.UTF8View.SubSequence, of text: String
    ) throws(DatabaseError) -> [String] {
        var addresses: [String] = []
        for part in list.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let part = String(Substring(part))
            guard let parsed = NetworkAddress(part), parsed.canBeReached else {
                throw problem(
                    text, "\"\(part)\" is not host:port of one host, with a port from 1 to 65535")
            }
            let address = parsed.description
            if !addresses.contains(address) { addresses.append(address) }
        }
        guard addresses.count <= Limits.urlAddressCountMax else {
            throw problem(
                text,
                "it names \(addresses.count) proxies, "
                    + "urlAddressCountMax = \(Limits.urlAddressCountMax)")
        }
        return addresses
    }

    private static func timeout(
        _ query: Substring, of text: String
    ) throws(DatabaseError) -> Duration {
        let pair = query.split(separator: "=", omittingEmptySubsequences: false)
        guard pair.count == 2, pair[0] == "timeout" else {
            throw problem(text, "\"\(query)\" is not timeout=DURATION, the only option")
        }
        let digits = pair[1].prefix { $0.isASCII && $0.isWholeNumber }
        let units: [Substring: Int64] = ["ms": 1, "s": 1000, "m": 60_000]
        guard let count = Int64(digits), count > 0, count <= 600_000,
            let unit = units[pair[1][digits.endIndex...]],
            Duration.milliseconds(count * unit) <= Limits.requestTimeMax
        else {
            throw problem(
                text,
                "\"\(pair[1])\" is not a time such as 250ms, 5s or 1m, of at most "
                    + "\(Limits.requestTimeMax.milliseconds / 1000)s")
        }
        return .milliseconds(count * unit)
    }

    private static func problem(_ text: String, _ what: String) -> DatabaseError {
        DatabaseError(
            .invalidArgument,
            "\"\(text.prefix(200))\" is not a database URL: \(what); "
                + "write optimystic://host:port,host:port/clusterName?timeout=5s")
    }
}

extension DatabaseURL: CustomStringConvertible {
    /// The URL, in one spelling.
    public var description: String {
        let hosts = addresses.map { $0.dropFirst("tcp://".count) }.joined(separator: ",")
        return "\(DatabaseURL.scheme)\(hosts)/\(clusterName)?timeout=\(timeout.milliseconds)ms"
    }
}
