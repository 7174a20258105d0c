/// Every bound of the system, in one place, with its unit and its reason.
///
/// An error that enforces one names it and the actual figure.
package enum Limits {
    // MARK: What a client may store

    /// Bytes of a collection's name, as UTF-8.
    package static let nameBytesMax = 256
    /// Bytes of one value or diary entry.
    package static let valueBytesMax = 64 * 1024

    // MARK: The tail register

    /// Revisions, generations, segment indices and ballot counters: so far above any real one, and
    /// so far below the end of 64 bits, that arithmetic on values from outside cannot overflow.
    package static let counterMax: UInt64 = 1 << 62

    // MARK: Messages

    /// Bytes of one frame. A tail, a body and a page of a range each fit with room to spare.
    package static let frameBytesMax = 8 * 1024 * 1024
    /// Frames of one message, routing frames included.
    package static let frameCountMax = 4

    // MARK: Queues

    /// Requests a coordinator or proxy has under way in all.
    package static let requestCountMax = 65_536
    /// How long a service that did not answer is passed over when there is another: long enough
    /// that a dead one costs few requests, short enough that one that is back gets its share.
    package static let suspicionTime = Duration.seconds(5)
    /// The same for one that is found silent again and again: with most services dead, a request
    /// that needs two answers would otherwise spend all of its time on them.
    package static let suspicionTimeMax = Duration.seconds(40)
    /// Judgements of services that are remembered, some 100 bytes each; the others are made anew.
    package static let suspicionCountMax = 4096

    // MARK: The SDK

    /// Requests one connection of an application has under way before it refuses more.
    package static let connectionRequestCountMax = 4096

    // MARK: The command line

    /// Levels of arrays and objects in an imported record: more would endanger the stack.
    package static let jsonDepthMax = 64

    // MARK: Transport

    /// Bytes of messages for one receiver that a transport holds: four of the largest answers, so
    /// that one who does not read costs no more than that. One message is always let through.
    package static let sendQueueBytesMax = 16 * 1024 * 1024
    /// Outgoing links of one transport: every peer, and coordinators or proxies besides.
    package static let linkCountMax = 2048
}
