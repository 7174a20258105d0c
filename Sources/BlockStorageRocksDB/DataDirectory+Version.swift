import BlockRuntime

/// What RocksDB says of itself.
extension DataDirectory {
    /// The most that RocksDB writes into an options file, with room.
    private static let optionsBytesMax = 1024 * 1024

    /// The version of RocksDB that opened the store last.
    ///
    /// RocksDB's C interface does not tell it; the options file that it writes into the store
    /// whenever it opens one does.
    /// - Returns: nil when there is none to read: the version is for people, nothing hangs on it.
    package var rocksDBVersion: String? {
        let store = path.appending(DirectoryName.store)
        let names = (try? PosixFile.names(in: store)) ?? []
        // Their numbers have six digits and grow: the last one by name is that of this start.
        guard let newest = names.last(where: { $0.hasPrefix("OPTIONS-") }),
            let text = try? store.appending(newest).contents(countMax: Self.optionsBytesMax)
        else { return nil }
        let mark = Array("rocksdb_version=".utf8)
        for line in text.split(separator: UInt8(ascii: "\n")) {
            // What stands in a section is indented.
            let line = line.drop { $0 == UInt8(ascii: " ") }
            if line.starts(with: mark) { return OutsideText.shown(line.dropFirst(mark.count)) }
        }
        return nil
    }
}
