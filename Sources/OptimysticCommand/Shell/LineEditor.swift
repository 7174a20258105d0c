import BlockRuntime
import CEditLine
import Dispatch
import Foundation
import Optimystic
import Synchronization

/// Lines from a person at a terminal, with editing, completion, and a history that is kept for the
/// next time. One in a process.
///
/// The terminal speaks UTF-8, whatever the locale says: a byte that is none makes the line
/// unreadable, and never another line.
final class LineEditor: Sendable {
    /// What came of a prompt.
    enum Answer: Sendable {
        case line(Bytes)
        /// Ctrl-C.
        case dropped
        /// A byte that is no UTF-8 was among what was typed.
        case unreadable(UInt8)
        case end
    }

    private static let lineCountMax: Int32 = 1000

    private let historyFile: ArgumentBytes?
    /// Reading blocks a thread: not one that tasks need.
    private let queue = DispatchQueue(label: "line editor")

    /// - Parameter historyFile: nil to keep none.
    init(historyFile: ArgumentBytes?, names: CollectionNames, interrupts: InterruptedCommand) {
        self.historyFile = historyFile
        // The editor counts and encodes characters with the locale.
        setlocale(LC_CTYPE, "C.UTF-8")
        Typing.state.withLock { $0 = Typing(interrupts: interrupts) }
        Completion.state.withLock { $0 = Completion(names: names) }
        edit_leave_signals()
        edit_set_reader { _ in Typing.next() }
        using_history()
        stifle_history(LineEditor.lineCountMax)
        _ = historyFile?.withPath { read_history($0) }
        edit_set_completer { text, start, _ in
            // Nothing but what is offered here: names of files mean nothing.
            edit_leave_files()
            guard let text, let line = edit_line() else { return nil }
            // `start` counts characters.
            let before = String(cString: line).unicodeScalars.prefix(Int(max(0, start)))
            Completion.begin(bytes(of: text), after: Array(String(before).utf8))
            return rl_completion_matches(text) { _, _ in Completion.next() }
        }
    }

    func close() {
        guard let historyFile else { return }
        // Lines may hold values that no other user may see.
        let mask = umask(0o077)
        _ = historyFile.withPath { write_history($0) }
        umask(mask)
    }

    func next(prompt: String) async -> Answer {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: LineEditor.read(prompt)) }
        }
    }

    private static func read(_ prompt: String) -> Answer {
        Typing.begin()
        let raw = readline(prompt)
        defer { free(raw) }
        let typed = Typing.state.withLock { $0 }
        if typed?.isInterrupted == true {
            StandardError.line("^C")
            return .dropped
        }
        if let byte = typed?.badByte { return .unreadable(byte) }
        guard let raw else { return .end }
        let line = bytes(of: raw)
        if line.contains(where: { $0 != 0x20 && $0 != 0x09 }) { add_history(raw) }
        return .line(line)
    }
}

private func bytes(of text: UnsafePointer<CChar>) -> Bytes {
    Bytes(UnsafeRawBufferPointer(start: text, count: strlen(text)))
}

/// What is typed, as characters for the editor.
private struct Typing {
    static let state = Mutex<Typing?>(nil)
    /// Ctrl-C of a terminal that sends it as a character.
    private static let interrupt: UInt8 = 0x03
    /// Ctrl-D, and what Linux makes of one that comes while it gathers lines itself.
    private static let end: UInt8 = 0x04
    private static let endTypedAhead: UInt8 = 0x00

    let interrupts: InterruptedCommand
    var isInterrupted = false
    var badByte: UInt8?

    init(interrupts: InterruptedCommand) { self.interrupts = interrupts }

    static func begin() {
        state.withLock {
            $0?.isInterrupted = false
            $0?.badByte = nil
            $0?.interrupts.forget()
        }
    }

    /// The next character; -1 at the end, and when Ctrl-C drops the line.
    static func next() -> Int32 {
        guard let interrupts = state.withLock({ $0?.interrupts }) else { return -1 }
        var bytes = Bytes()
        while true {
            guard interrupts.waitForInput() else {
                state.withLock { $0?.isInterrupted = true }
                return -1
            }
            var byte: UInt8 = 0
            let count = Glibc.read(STDIN_FILENO, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return -1 }
            // Typed while a command ran, when the terminal was not the editor's yet.
            if byte == Typing.endTypedAhead { byte = Typing.end }
            if byte == Typing.interrupt {
                state.withLock { $0?.isInterrupted = true }
                return -1
            }
            bytes.append(byte)
            var parser = Unicode.UTF8.ForwardParser()
            var rest = bytes.makeIterator()
            switch parser.parseScalar(from: &rest) {
            case .valid(let scalar): return Int32(Unicode.UTF8.decode(scalar).value)
            case .error where bytes.count < length(of: bytes[0]): continue
            case .error, .emptyInput:
                let first = bytes[0]
                state.withLock { if $0?.badByte == nil { $0?.badByte = first } }
                return 0xFFFD
            }
        }
    }

    /// Bytes of a character that begins so.
    private static func length(of first: UInt8) -> Int {
        switch first {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
    }
}
