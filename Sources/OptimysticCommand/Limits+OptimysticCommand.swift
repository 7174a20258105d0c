import BlockModel
import BlockRuntime

/// The bounds that this target owns. `Limits.md` lists those of all.
extension Limits {
    // MARK: The command line

    /// Bytes of one record of an imported file: a value of greatest size, escaped at its longest
    /// (six bytes for one) and with a key beside it, fits.
    package static let importRecordBytesMax = 512 * 1024
    /// Bytes of a line of the shell: an action of the greatest size with every byte in hexadecimal
    /// digits and an escape, and as much again.
    package static let shellLineBytesMax = 8 * 1024 * 1024
    /// Words of one command: twice what an action has of keys or values. The argument parser's time
    /// grows with their square.
    package static let commandWordCountMax = 2 * treeOperationCountMax
    /// Collections whose tails `status` looks at for transactions in doubt: a second of reads.
    package static let statusCollectionCountMax = 1024
    /// Tails that it reads at once.
    package static let statusLookCountMax = 16
}
