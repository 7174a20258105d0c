import BlockOperations
import BlockRuntime
import Testing

@Suite struct SettingTextTests {
    @Test(
        "A duration is one whole number and one unit",
        arguments: [
            ("0s", Duration.zero), ("1us", .microseconds(1)), ("250ms", .milliseconds(250)),
            ("5s", .seconds(5)), ("2m", .seconds(120)), ("1h", .seconds(3600)),
            ("007s", .seconds(7)), ("9223372036s", .seconds(9_223_372_036)),
        ])
    func durations(text: String, value: Duration) {
        #expect(SettingText.duration(text) == value)
    }

    @Test(
        "Anything else is no duration",
        arguments: [
            "", "5", "s", "5 s", " 5s", "5s ", "+5s", "-5s", "1.5s", "5S", "5sec", "5s5s", "٥s",
            "9223372037s", "99999999999999999999s", "5d", "0x5s", "5s\n", "5\u{0}s", "1e3s",
        ])
    func notDurations(text: String) {
        #expect(SettingText.duration(text) == nil)
    }

    @Test(
        "A size is one whole number and one binary unit",
        arguments: [
            ("0B", 0), ("512B", 512), ("64KiB", 65_536), ("64MiB", 67_108_864),
            ("2GiB", 2_147_483_648), ("1TiB", 1_099_511_627_776),
            ("9223372036854775807B", Int.max), ("8388607TiB", 8_388_607 << 40),
        ])
    func sizes(text: String, value: Int) {
        #expect(SettingText.byteSize(text) == value)
    }

    @Test(
        "Anything else is no size",
        arguments: [
            "", "64", "MiB", "64 MiB", "64MB", "64mib", "64M", "-1B", "+1B", "1.5GiB",
            "9223372036854775808B", "8388608TiB", "64MiBB", "64MiB\n",
        ])
    func notSizes(text: String) {
        #expect(SettingText.byteSize(text) == nil)
    }

    @Test("Every duration up to 4 units and around each unit is written as it is read")
    func durationRoundTrip() {
        let units: [Int64] = [1, 1_000, 1_000_000, 60_000_000, 3_600_000_000]
        var counts: Set<Int64> = []
        for unit in units {
            for factor in Int64(0)...4 {
                for offset in Int64(-2)...2 { counts.insert(max(0, unit * factor + offset)) }
            }
        }
        for count in counts.sorted() {
            let duration = Duration.microseconds(count)
            #expect(SettingText.duration(SettingText.text(duration)) == duration)
        }
        #expect(SettingText.text(.milliseconds(1500)) == "1500ms")
        #expect(SettingText.text(.seconds(7200)) == "2h")
    }

    @Test("Every size around each power of two is written as it is read")
    func sizeRoundTrip() {
        for shift in 0..<62 {
            for offset in -2...2 {
                let size = max(0, (1 << shift) + offset)
                #expect(SettingText.byteSize(SettingText.text(byteSize: size)) == size)
            }
        }
        #expect(SettingText.text(byteSize: 1 << 20) == "1MiB")
        #expect(SettingText.text(byteSize: 1536) == "1536B")
    }

    @Test(
        "An integer is digits with an optional minus",
        arguments: [
            ("0", 0), ("-1", -1), ("7710", 7710), ("00", 0), ("-9223372036854775808", .min),
        ])
    func integers(text: String, value: Int) {
        #expect(SettingText.integer(text) == value)
    }

    @Test(
        "Anything else is no integer",
        arguments: ["", "-", "+1", "1 ", "0x1", "1_000", "1e3", "9223372036854775808", "--1", "٣"])
    func notIntegers(text: String) {
        #expect(SettingText.integer(text) == nil)
    }

    @Test(
        "An address is a host and a port, with or without tcp://",
        arguments: [
            ("127.0.0.1:7710", "tcp://127.0.0.1:7710"), ("tcp://10.0.0.1:1", "tcp://10.0.0.1:1"),
            ("peer-1.example:65535", "tcp://peer-1.example:65535"), ("*:0", "tcp://*:0"),
            ("127.0.0.1:*", "tcp://127.0.0.1:0"), ("[::1]:7710", "tcp://[::1]:7710"),
            ("tcp://[fe80::1%eth0]:5", "tcp://[fe80::1%eth0]:5"),
        ])
    func addresses(text: String, canonical: String) {
        #expect(NetworkAddress(text)?.description == canonical)
        #expect(NetworkAddress(canonical) == NetworkAddress(text))
    }

    @Test(
        "An address to connect to names one host and a port, however it is written",
        arguments: [
            ("*:1", false), ("0.0.0.0:1", false), ("0:1", false), ("0.0:1", false),
            ("0x0:1", false), ("[::]:1", false), ("[0:0::0]:1", false), ("[::%lo]:1", false),
            ("[::ffff:0.0.0.0]:1", false), ("255.255.255.255:1", false), ("224.0.0.1:1", false),
            ("239.1.2.3:1", false), ("[ff02::1%eth0]:1", false), ("127.0.0.1:0", false),
            ("127.0.0.1:1", true), ("10.255.255.255:1", true), ("[::1]:1", true),
            ("[fe80::1%eth0]:1", true), ("[::ffff:10.0.0.1]:1", true), ("host:1", true),
            ("0host:1", true), ("1.0.0.0:1", true),
        ])
    func reachable(text: String, canBeReached: Bool) {
        #expect(NetworkAddress(text)?.canBeReached == canBeReached)
    }

    @Test(
        "Anything else is no address",
        arguments: [
            "", ":", "7710", "127.0.0.1", "127.0.0.1:", ":7710", "host:65536", "host:-1",
            "::1:7710", "[::1]", "[]:1", "udp://host:1", "ho st:1", "host:1/x", "host:0x1",
            "tcp://", "[::1:7710", "a*b:1", "host:+1", "ho\u{301}st:1", "tcp://tcp://h:1",
        ])
    func notAddresses(text: String) {
        #expect(NetworkAddress(text) == nil)
    }
}
