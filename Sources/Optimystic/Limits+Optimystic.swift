import BlockModel
import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: What a client may store

    /// Bytes that the SDK's handle of a tree keeps of the values that it read last, to compare
    /// with: a page of a range and some.
    package static let readValuesBytesMax = 1024 * 1024

    // MARK: The SDK

    /// Bytes of a URL: the most addresses, each a long name, fit.
    package static let urlBytesMax = 4096
    /// Addresses in a URL: any one leads to all others, and the rest is for when it is gone.
    package static let urlAddressCountMax = 16
    /// Time a reader that follows a diary waits at a proxy before it asks again.
    package static let followTime = Duration.seconds(5)
    /// Bytes of values in a page of a reader; it holds two pages at most.
    package static let readerPageBytes = 256 * 1024
    /// Things that are wrong with one collection that a verification names; more of them tell a
    /// person nothing more.
    package static let verificationFindingCountMax = 1000
    /// Objects a verification asks for at a time.
    package static let verificationFetchCountMax = 32
    /// Collections that a verification of several is about at a time.
    package static let verificationCollectionCountMax = 8
    /// How much longer than its client waits for it a transaction may be decided anew: so much may
    /// the clocks of client and proxy differ.
    package static let stampSlack = Duration.seconds(300)
    /// Looks at a register that is being written, until a majority holds one value.
    package static let verificationLookCountMax = 20

    // MARK: The command line

    /// Records of one action of an import: some leaves of a tree, so that an action stays small
    /// beside what people do meanwhile.
    package static let importBatchCountDefault = 256
    /// Bytes of keys and values in one action of an import, as long as it has more than one.
    package static let importBatchBytesMax = actionBytesMax / 4
    /// Actions of an import under way at once: the proxy commits them together.
    package static let importBatchesUnderWayMax = 4
    /// How long an import sends one action again that is not confirmed: longer than a service
    /// takes to be started again.
    package static let importPatience = Duration.seconds(60)
    /// Pause before an action of an import is sent again.
    package static let importPause = Duration.milliseconds(100)
}
