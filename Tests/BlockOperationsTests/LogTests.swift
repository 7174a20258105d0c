import BlockOperations
import BlockRuntime
import Foundation
import Logging
import Synchronization
import Testing

/// Lines as they would reach standard error.
private final class Sink: Sendable {
    private let bytes = Mutex(Bytes())
    func append(_ line: Bytes) { bytes.withLock { $0 += line } }
    var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }
}

/// 2026-01-31T23:59:59.007Z.
private let instant: UInt64 = 1_769_903_999_007

private func logger(
    _ format: LogFormat, at milliseconds: UInt64 = instant, level: Logger.Level = .trace,
    into sink: Sink, label: String = "storage-peer"
) -> Logger {
    Logger(label: label) { label in
        LineLogHandler(
            label: label, format: format, level: level, wallMilliseconds: { milliseconds },
            output: { sink.append($0) })
    }
}

/// What a JSON parser makes of the only line in `sink`.
private func parsed(_ sink: Sink) throws -> [String: Any] {
    let text = sink.text
    #expect(text.hasSuffix("\n"))
    #expect(!text.dropLast().contains("\n"))
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
    return try #require(object as? [String: Any])
}

@Suite struct LogTests {
    @Test("A JSON line begins with time, level, label and message; metadata follows sorted")
    func jsonLine() {
        let sink = Sink()
        logger(.json, into: sink).notice(
            "ready",
            metadata: [
                "zeta": "z", "alpha": .stringConvertible(7), "flag": .stringConvertible(true),
                "list": ["a", .stringConvertible(UInt64.max)], "map": ["b": "2", "a": "1"],
            ])
        #expect(
            sink.text == """
                {"ts":"2026-01-31T23:59:59.007Z","level":"notice","label":"storage-peer",\
                "msg":"ready","alpha":7,"flag":true,"list":["a",18446744073709551615],\
                "map":{"a":"1","b":"2"},"zeta":"z"}

                """)
    }

    @Test("A text line says the same to a person")
    func textLine() {
        let sink = Sink()
        logger(.text, into: sink).info(
            "ready",
            metadata: ["address": "tcp://a:1", "reason": "two words", "n": .stringConvertible(7)])
        #expect(
            sink.text == """
                2026-01-31T23:59:59.007Z info     storage-peer: ready address=tcp://a:1 n=7 \
                reason="two words"

                """)
    }

    @Test("Every Unicode scalar below U+0100 comes back from a JSON line, which stays one line")
    func controlCharacters() throws {
        for value in UInt32(0)..<0x100 {
            let scalar = try #require(Unicode.Scalar(value))
            let text = "a\(Character(scalar))b"
            let sink = Sink()
            logger(.json, into: sink).info("\(text)", metadata: ["key": "\(text)"])
            let object = try parsed(sink)
            #expect(object["msg"] as? String == text)
            #expect(object["key"] as? String == text)
        }
    }

    @Test("No control character reaches the terminal in either format")
    func terminalSafety() {
        let hostile = "\u{1B}[2J\u{9B}31m\r\nroot: \u{7F}\u{0}\u{85}"
        for format in LogFormat.allCases {
            let sink = Sink()
            logger(format, into: sink, label: hostile).error(
                "\(hostile)", metadata: ["\(hostile)": "\(hostile)", "list": ["\(hostile)"]])
            let scalars = sink.text.dropLast().unicodeScalars
            #expect(!scalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) })
        }
    }

    @Test("Bytes that are not UTF-8 become replacement characters and a line that still parses")
    func invalidUTF8() throws {
        for bytes: Bytes in [
            [0xFF, 0xFE], [0xC2], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98], [0xC2, 0x41],
        ] {
            let sink = Sink()
            let text = String(decoding: bytes, as: UTF8.self)
            logger(.json, into: sink).info("\(text)")
            #expect(try parsed(sink)["msg"] as? String == text)
        }
    }

    @Test("A field over the limit is cut between two characters and says how long it was")
    func longField() throws {
        for prefix in ["", "a", "ab", "abc"] {
            let sink = Sink()
            let text = prefix + String(repeating: "😀", count: Limits.logFieldBytesMax)
            logger(.json, into: sink).info("\(text)")
            let shown = try #require(try parsed(sink)["msg"] as? String)
            #expect(!shown.contains("\u{FFFD}"))
            #expect(shown.utf8.count <= Limits.logFieldBytesMax + 30)
            #expect(shown.utf8.count >= Limits.logFieldBytesMax)
            #expect(shown.hasSuffix("… (\(text.utf8.count) bytes)"))
        }
        let sink = Sink()
        let fitting = String(repeating: "x", count: Limits.logFieldBytesMax)
        logger(.json, into: sink).info("\(fitting)")
        #expect(try parsed(sink)["msg"] as? String == fitting)
    }

    @Test("Metadata named like a fixed key gets an underscore, so that no key occurs twice")
    func reservedKeys() throws {
        let sink = Sink()
        logger(.json, into: sink).info(
            "m", metadata: ["ts": "1", "level": "2", "label": "3", "msg": "4"])
        let object = try parsed(sink)
        #expect(object["msg"] as? String == "m")
        #expect(object["ts_"] as? String == "1")
        #expect(object["msg_"] as? String == "4")
        #expect(object.count == 8)
    }

    @Test("Metadata of the event goes before that of the logger")
    func metadataPrecedence() throws {
        let sink = Sink()
        var log = logger(.json, into: sink)
        log[metadataKey: "a"] = "logger"
        log[metadataKey: "b"] = "logger"
        log.info("m", metadata: ["a": "event"])
        let object = try parsed(sink)
        #expect(object["a"] as? String == "event")
        #expect(object["b"] as? String == "logger")
    }

    @Test("An event below the level is not written")
    func level() {
        let sink = Sink()
        logger(.json, level: .warning, into: sink).info("quiet")
        #expect(sink.text.isEmpty)
    }

    @Test(
        "Timestamps are right at the edges of the calendar",
        arguments: [
            (UInt64(0), "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "10000-01-01T00:00:00.000Z"),
            (UInt64.max, "584556019-04-03T14:25:51.615Z"),
        ])
    func timestamps(milliseconds: UInt64, text: String) throws {
        let sink = Sink()
        logger(.json, at: milliseconds, into: sink).info("m")
        #expect(try parsed(sink)["ts"] as? String == text)
    }

    @Test("Lines of many threads reach a pipe whole")
    func writer() async throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let writer = LineWriter(fileDescriptor: ends[1])
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    for _ in 0..<8 { writer.writeLine(String(repeating: "\(worker)", count: 500)) }
                }
            }
        }
        var buffer = Bytes(repeating: 0, count: 65_536)
        let count = Foundation.read(ends[0], &buffer, buffer.count)
        let lines = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
            .split(separator: "\n")
        #expect(lines.count == 64)
        #expect(lines.allSatisfy { $0.count == 500 && Set($0).count == 1 })
        for end in ends { close(end) }
    }
}
