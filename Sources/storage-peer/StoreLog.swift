import Foundation

/// What RocksDB says of itself.
enum StoreLog {
    /// Bytes at the start of RocksDB's own log in which it names its version.
    private static let headBytes = 4096

    /// RocksDB's C interface does not tell its version; the first lines of the log that it keeps in
    /// the store do.
    /// - Returns: nil when the log cannot be read: the version is for people, nothing hangs on it.
    static func rocksDBVersion(in directory: String) -> String? {
        let path = directory + "/store/LOG"
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let head = try? file.read(upToCount: headBytes) else { return nil }
        let text = String(decoding: head, as: UTF8.self)
        guard let mark = text.range(of: "RocksDB version: ") else { return nil }
        return String(text[mark.upperBound...].prefix { $0.isNumber || $0 == "." })
    }
}
