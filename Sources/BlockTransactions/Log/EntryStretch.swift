import BlockModel
import BlockRuntime

extension [Entry] {
    /// The first of these entries, at least one, whose stored bodies may be fetched at once: a
    /// bound of entries alone is none of bytes.
    var fetchedAtOnce: [Entry] {
        var byteCount = 0
        let surplus = firstIndex { entry in
            if case .stored(let count) = entry.body { byteCount += Int(clamping: count) }
            return byteCount > Limits.scanBytesMax
        }
        let stretch = Array(prefix(Swift.max(1, surplus ?? count)))
        invariant(stretch.isEmpty == isEmpty, "of entries none is fetched")
        return stretch
    }
}
