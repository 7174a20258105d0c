import BlockRuntime

/// Follows one direction of a ZeroMQ connection (ZMTP 3) and can leave out whole messages of it:
/// what is left is still a stream that the receiver understands.
///
/// The greeting and commands, heartbeats among them, always pass. So does a message that has begun.
package struct MessageFilter: Sendable {
    /// Signature, version, mechanism and filler, which both sides send first.
    private static let greetingByteCount = 64

    /// Bits of the first byte of a frame.
    private enum Flag {
        static let more: UInt8 = 1
        static let long: UInt8 = 2
        static let command: UInt8 = 4
    }

    private var greetingBytesLeft = greetingByteCount
    /// The part of a frame's header that has come.
    private var header = Bytes()
    private var bodyBytesLeft: UInt64 = 0
    /// Whether the frame whose body comes is left out.
    private var dropsFrame = false
    /// Whether more frames of a message will come, and whether that message is left out.
    private var isInMessage = false
    private var dropsMessage = false
    package private(set) var droppedMessageCount = 0

    package init() {}

    /// - Parameter drops: Asked once for each message, at its first frame.
    /// - Returns: What passes. A header that is not complete is kept back: 8 bytes at most.
    package mutating func pass(_ bytes: Bytes, drops: () -> Bool) -> Bytes {
        var passed = Bytes()
        passed.reserveCapacity(bytes.count)
        var rest = bytes[...]
        while !rest.isEmpty {
            if greetingBytesLeft > 0 {
                let part = rest.prefix(greetingBytesLeft)
                passed += part
                greetingBytesLeft -= part.count
                rest = rest.dropFirst(part.count)
            } else if bodyBytesLeft > 0 {
                let part = rest.prefix(Int(clamping: bodyBytesLeft))
                if !dropsFrame { passed += part }
                bodyBytesLeft -= UInt64(part.count)
                rest = rest.dropFirst(part.count)
            } else {
                header.append(rest.removeFirst())
                if isHeaderComplete { beginFrame(&passed, drops) }
            }
        }
        return passed
    }

    private var isHeaderComplete: Bool {
        header.count == (header[0] & Flag.long == 0 ? 2 : 9)
    }

    private mutating func beginFrame(_ passed: inout Bytes, _ drops: () -> Bool) {
        let flags = header[0]
        bodyBytesLeft = header.dropFirst().reduce(0) { $0 << 8 | UInt64($1) }
        if flags & Flag.command != 0 {
            dropsFrame = false
        } else {
            if !isInMessage {
                dropsMessage = drops()
                if dropsMessage { droppedMessageCount += 1 }
            }
            dropsFrame = dropsMessage
            isInMessage = flags & Flag.more != 0
        }
        if !dropsFrame { passed += header }
        header = []
    }
}
