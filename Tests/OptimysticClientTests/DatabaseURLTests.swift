import BlockRuntime
import Optimystic
import Testing

@Suite("Database URL") struct DatabaseURLTests {
    @Test("Hosts, the cluster's name and the timeout are read")
    func parts() throws {
        let url = try DatabaseURL("optimystic://db-1.local:7730,[::1]:7731/demo?timeout=250ms")
        #expect(url.addresses == ["tcp://db-1.local:7730", "tcp://[::1]:7731"])
        #expect(url.clusterName == "demo")
        #expect(url.timeout == .milliseconds(250))
        #expect(try DatabaseURL(url.description) == url)
    }

    @Test("Without a timeout it is five seconds, and an address named twice counts once")
    func defaults() throws {
        let url = try DatabaseURL("optimystic://a:1,a:1/x")
        #expect(url.timeout == .seconds(5) && url.addresses == ["tcp://a:1"])
    }

    @Test("A mark behind a slash or a question mark is part of what follows, and hides neither")
    func marks() throws {
        let url = try DatabaseURL("optimystic://a:1/\u{301}x?timeout=2s")
        #expect(url.clusterName.utf8.elementsEqual("\u{301}x".utf8) && url.timeout == .seconds(2))
        for text in ["optimystic://a:1/x/\u{301}y", "optimystic://a:1/x?\u{301}timeout=2s"] {
            let error = #expect(throws: DatabaseError.self) { try DatabaseURL(text) }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test(
        "What is no URL is refused, naming the part",
        arguments: [
            ("http://a:1/x", "optimystic://"), ("optimystic://a:1", "name"),
            ("optimystic://a:1/", "name"), ("optimystic://a:1/x/y", "name"),
            ("optimystic://a/x", "\"a\""), ("optimystic://a:0/x", "\"a:0\""),
            ("optimystic://a:65536/x", "65536"), ("optimystic://a:1,/x", "\"\""),
            ("optimystic://a:1/x#y", "cluster's name"),
            ("optimystic://a:1/x%20y", "cluster's name"),
            ("optimystic://a:1/x/\u{301}y", "cluster's name"), ("optimystic://a:1/x y", "name"),
            ("optimystic://a:+1/x", "a:+1"), ("optimystic://*:1/x", "*:1"),
            ("optimystic://a:*/x", "a:*"),
            ("optimystic:///x", "host:port"), ("optimystic://a b:1/x", "a b"),
            ("optimystic://::1:7/x", "::1:7"), ("optimystic://a:1/x?timeout=5", "\"5\""),
            ("optimystic://a:1/x?timeout=0s", "0s"), ("optimystic://a:1/x?timeout=11m", "600s"),
            ("optimystic://a:1/x?timeout=9223372036854775807m", "9223372036854775807m"),
            ("optimystic://a:1/x?retries=5", "retries"),
            ("optimystic://" + String(repeating: "a:1,", count: 2000) + "b:1/x", "urlBytesMax"),
            ("optimystic://" + (1...17).map { "a:\($0)" }.joined(separator: ",") + "/x", "17"),
        ])
    func refusals(text: String, part: String) {
        let error = #expect(throws: DatabaseError.self) { try DatabaseURL(text) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }
}
