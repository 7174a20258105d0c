import BlockModel
import BlockNode
import BlockRuntime
import Testing

@Suite("Where a service listens")
struct ListenAddressTests {
    private static let two = [
        ClusterMap.Service(name: "proxy-1", address: "tcp://10.0.0.1:7730"),
        ClusterMap.Service(name: "proxy-2", address: "tcp://db.local:7731"),
    ]

    private static func place(
        _ listen: String? = nil, name: String? = nil, among services: [ClusterMap.Service] = two
    ) throws -> ListenAddress {
        try ListenAddress(
            of: "client proxy", listen: listen.map { try #require(NetworkAddress($0)) }, name: name,
            among: services)
    }

    @Test("Without a place of its own it listens where the cluster file sends all others")
    func fromFile() throws {
        #expect(try Self.place(name: "proxy-2").address == "tcp://db.local:7731")
        let only = try Self.place(among: [Self.two[0]])
        #expect(only.address == "tcp://10.0.0.1:7730" && only.warning == nil)
    }

    @Test("Of several it must be said which one it is, and only one that there is")
    func unknown() throws {
        let several = #expect(throws: DatabaseError.self) { try Self.place() }
        #expect(several?.code == .invalidArgument)
        #expect(several?.message.contains("proxy-1, proxy-2") == true)
        let none = #expect(throws: DatabaseError.self) { try Self.place(among: []) }
        #expect(none?.code == .invalidArgument)
        let other = #expect(throws: DatabaseError.self) {
            try Self.place("10.0.0.1:7730", name: "proxy-3")
        }
        #expect(other?.code == .configurationInvalid)
    }

    @Test(
        "A place where nobody is sent is warned of, and every interface is a place of each host",
        arguments: [
            ("10.0.0.1:7730", nil, false), ("0.0.0.0:7730", nil, false), ("*:7731", nil, false),
            ("10.0.0.1:7731", nil, false), ("10.0.0.2:7730", nil, true),
            ("10.0.0.1:7732", nil, true), ("127.0.0.1:0", nil, true),
            ("10.0.0.1:7730", "proxy-2", true), ("other.local:7731", "proxy-2", false),
        ] as [(String, String?, Bool)])
    func disagreement(listen: String, name: String?, warns: Bool) throws {
        let place = try Self.place(listen, name: name)
        #expect(place.address == NetworkAddress(listen)?.description)
        #expect((place.warning != nil) == warns, "\(place.warning ?? "")")
    }
}
