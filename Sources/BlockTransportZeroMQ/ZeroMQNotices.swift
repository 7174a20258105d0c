import BlockRuntime
import Glibc
import Synchronization

/// What other threads have to tell a transport: they leave it here and wake it.
final class ZeroMQNotices: Sendable {
    enum Notice: Sendable {
        /// Who is at the address of a link, or why it does not connect.
        case inspected(link: Int, ConnectionProbe.Finding)
        /// It is time to try listening again.
        case listen
    }

    private let waiting = Mutex<[Notice]>([])
    private let wakeSignal: WakeSignal

    init(wakeSignal: WakeSignal) { self.wakeSignal = wakeSignal }

    func take() -> [Notice] {
        waiting.withLock { notices in
            defer { notices = [] }
            return notices
        }
    }

    private func leave(_ notice: Notice) {
        waiting.withLock { $0.append(notice) }
        wakeSignal.raise()
    }

    /// Looks at `address` as ``ConnectionProbe`` does, on a thread of its own.
    /// - Returns: Whether it is being looked at.
    func inspect(_ address: String, link: Int) -> Bool {
        BackgroundThread.start {
            self.leave(.inspected(link: link, ConnectionProbe.look(at: address)))
        } == nil
    }

    /// Says ``Notice/listen`` after a while.
    func listenLater() {
        let pause = UInt32(clamping: Limits.listenPause.nanoseconds / 1000)
        let problem = BackgroundThread.start {
            usleep(pause)
            self.leave(.listen)
        }
        // No thread is there to wait: it is tried at the next wake.
        if problem != nil { leave(.listen) }
    }
}
