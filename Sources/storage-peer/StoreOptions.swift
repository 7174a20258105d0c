import Foundation

/// What RocksDB says of itself.
enum StoreOptions {
    /// Bytes at the start of an options file in which the version stands.
    private static let headBytes = 4096

    /// RocksDB's C interface does not tell its version; the options file that it writes into the
    /// store whenever it opens one does.
    /// - Returns: nil when there is none to read: the version is for people, nothing hangs on it.
    static func rocksDBVersion(in directory: String) -> String? {
        let store = directory + "/store"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: store)) ?? []
        // Their numbers have six digits and grow: the last one by name is that of this start.
        guard let newest = names.filter({ $0.hasPrefix("OPTIONS-") }).max(),
            let file = FileHandle(forReadingAtPath: "\(store)/\(newest)")
        else { return nil }
        defer { try? file.close() }
        guard let head = try? file.read(upToCount: headBytes) else { return nil }
        let text = String(decoding: head, as: UTF8.self)
        guard let mark = text.range(of: "rocksdb_version=") else { return nil }
        return String(text[mark.upperBound...].prefix { $0.isNumber || $0 == "." })
    }
}
