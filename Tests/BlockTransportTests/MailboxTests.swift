import BlockRuntime
import BlockTransport
import Foundation
import Synchronization
import Testing

@Suite("Mailbox")
struct MailboxTests {
    /// Counts its wake-ups.
    private final class Counter: Sendable {
        let count = Mutex(0)
        var waker: Waker { Waker { self.count.withLock { $0 += 1 } } }
        var value: Int { count.withLock { $0 } }
    }

    @Test("the loop is woken once for each change from empty to non-empty")
    func wakes() throws {
        let counter = Counter()
        let mailbox = Mailbox<Int>(waker: counter.waker)
        for round in 1...5 {
            for number in 0..<10 { try mailbox.post(number) }
            #expect(counter.value == round)
            #expect(mailbox.count == 10)
            #expect(mailbox.drain() == Array(0..<10))
            #expect(mailbox.drain().isEmpty)
        }
    }

    @Test("a full mailbox refuses, naming its limit, and keeps what it has")
    func full() throws {
        let mailbox = Mailbox<Int>(waker: Counter().waker, countMax: 3)
        for number in 0..<3 { try mailbox.post(number) }
        let error = #expect(throws: DatabaseError.self) { try mailbox.post(3) }
        #expect(error?.code == .overloaded)
        #expect(error?.message.contains("3 values") == true)
        #expect(mailbox.drain() == [0, 1, 2])
        try mailbox.post(4)
        #expect(mailbox.drain() == [4])
    }

    @Test("a closed mailbox refuses, and gives what it has")
    func closed() throws {
        let mailbox = Mailbox<Int>(waker: Counter().waker)
        try mailbox.post(1)
        mailbox.close()
        let error = #expect(throws: DatabaseError.self) { try mailbox.post(2) }
        #expect(error?.code == .shuttingDown)
        #expect(mailbox.drain() == [1])
    }

    @Test("values of many threads all arrive once, each thread's in order, and no wake-up is lost")
    func threads() throws {
        let threadCount = 4
        let valueCount = 20_000
        let signal = DispatchSemaphore(value: 0)
        let mailbox = Mailbox<(thread: Int, value: Int)>(
            waker: Waker { signal.signal() }, countMax: threadCount * valueCount)
        for thread in 0..<threadCount {
            Thread.detachNewThread {
                for value in 0..<valueCount {
                    do { try mailbox.post((thread, value)) } catch { Issue.record("\(error)") }
                }
            }
        }
        var next = [Int](repeating: 0, count: threadCount)
        // Reads only when woken: a lost wake-up ends the test by its timeout.
        while next.reduce(0, +) < threadCount * valueCount {
            try #require(signal.wait(timeout: .now() + 20) == .success)
            for (thread, value) in mailbox.drain() {
                #expect(value == next[thread])
                next[thread] += 1
            }
        }
        #expect(next.allSatisfy { $0 == valueCount })
    }
}
