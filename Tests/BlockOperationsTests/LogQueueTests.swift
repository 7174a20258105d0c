import BlockOperations
import BlockRuntime
import Foundation
import Testing

/// F_SETPIPE_SZ of Linux, which the Glibc overlay leaves out.
private let setPipeSize: Int32 = 1031

/// Whoever logs never waits for whoever reads.
@Suite("A queue of log lines")
struct LogQueueTests {
    private let environment = BlockRuntime.Environment.live()

    private func makePipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    private func queue(to descriptor: Int32, bytesMax: Int = 10_000) throws -> LogQueue {
        try LogQueue(to: descriptor, bytesMax: bytesMax) { Bytes("lost \($0)\n".utf8) }
    }

    private func readAll(_ descriptor: Int32) -> [Substring] {
        var text = Bytes()
        var buffer = Bytes(repeating: 0, count: 4096)
        while true {
            var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&watched, 1, 300) == 1 else { break }
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            text += buffer[..<count]
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n")
    }

    @Test("Lines come out as they went in, in order")
    func order() throws {
        let (reading, writing) = try makePipe()
        let queue = try queue(to: writing)
        for number in 0..<200 { queue.write(Bytes("line \(number)\n".utf8)) }
        queue.flush(within: .seconds(5), environment: environment)
        #expect(readAll(reading) == (0..<200).map { "line \($0)" })
        #expect(queue.lostCount == 0)
    }

    @Test("With a reader who does not read nobody waits; what was lost is counted at its place")
    func noReader() throws {
        let (reading, writing) = try makePipe()
        _ = fcntl(writing, setPipeSize, 4096)
        let queue = try queue(to: writing)
        let start = environment.now()
        for number in 0..<2000 { queue.write(Bytes("line number \(number)\n".utf8)) }
        queue.flush(within: .milliseconds(50), environment: environment)
        #expect(environment.now().since(start) < .seconds(5))
        let lost = queue.lostCount
        // The reader comes back, and then more is logged.
        var lines = readAll(reading)
        for number in 2000..<2010 { queue.write(Bytes("line number \(number)\n".utf8)) }
        queue.flush(within: .seconds(5), environment: environment)
        lines += readAll(reading)
        let losses = lines.filter { $0.hasPrefix("lost ") }
        let told = losses.compactMap { Int($0.dropFirst(5)) }.reduce(0, +)
        let kept = lines.count - losses.count
        #expect(kept + told == 2010, "\(kept) kept, \(told) lost, \(lost) untold")
        #expect(told > 1000)
        #expect(lines.last == "line number 2009")
        // Those that were kept are in order.
        let numbers = lines.compactMap { Int($0.dropFirst("line number ".count)) }
        #expect(numbers == numbers.sorted())
        #expect(queue.lostCount == 0)
    }

    @Test("Losses are told as soon as there is a reader, though nothing more is logged")
    func toldByItself() throws {
        let (reading, writing) = try makePipe()
        _ = fcntl(writing, setPipeSize, 4096)
        let queue = try queue(to: writing)
        for _ in 0..<1000 { queue.write(Bytes("a line of thirty bytes or more\n".utf8)) }
        let lines = readAll(reading)
        #expect(lines.last?.hasPrefix("lost ") == true)
    }

    @Test("A descriptor that takes nothing loses lines, counts them and stops nobody")
    func closed() throws {
        let (reading, writing) = try makePipe()
        close(reading)
        signal(SIGPIPE, SIG_IGN)
        let queue = try queue(to: writing)
        for _ in 0..<10 { queue.write(Bytes("x\n".utf8)) }
        queue.flush(within: .seconds(5), environment: environment)
        #expect(queue.lostCount == 10)
    }

    @Test("A pipe that does not block is waited for by the writer, and loses nothing")
    func nonBlocking() throws {
        let (reading, writing) = try makePipe()
        _ = fcntl(writing, setPipeSize, 4096)
        _ = fcntl(writing, F_SETFL, O_NONBLOCK)
        let queue = try queue(to: writing)
        for number in 0..<400 { queue.write(Bytes("line \(number) of many\n".utf8)) }
        #expect(readAll(reading).count == 400)
        #expect(queue.lostCount == 0)
    }
}
