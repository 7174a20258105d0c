import BlockModel
import BlockRuntime
import BlockStorage

/// The identity file of a data directory: four lines of text that say whose it is.
///
/// ```
/// optimystic data directory
/// format 2
/// storage 01234567-89ab-cdef-0123-456789abcdef
/// checksum <64 hex digits: SHA-256 over the lines above>
/// ```
struct DirectoryIdentity: Hashable {
    static let formatVersion = StorageKeys.formatVersion
    private static let title = "optimystic data directory"

    let peer: PeerID

    /// The whole file.
    var bytes: Bytes {
        let body = """
            \(Self.title)
            format \(Self.formatVersion)
            storage \(peer)

            """
        return Bytes("\(body)checksum \(Self.checksum(of: body))\n".utf8)
    }

    init(peer: PeerID) { self.peer = peer }

    /// - Throws: `.directoryForeign` when the file is something else, `.formatUnsupported` when
    ///   another release with another format wrote it, `.corrupted` when it is damaged.
    init(bytes: Bytes, path: SystemPath) throws(DatabaseError) {
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first == Self.title[...] else {
            // Beside a store it can only be what is left of an identity.
            if try PosixFile.exists(path.parent.appending(DirectoryName.store)) {
                throw Self.damaged(path)
            }
            throw DatabaseError(.directoryForeign, "\(path) is not that of a data directory")
        }
        let version = Self.value(of: "format", in: lines, at: 1).flatMap { UInt32($0) }
        if let version, version != Self.formatVersion {
            let remedy =
                version > Self.formatVersion
                ? "run the release that wrote it or a later one"
                : "it is of a preview without an upgrade; run the release that wrote it"
            throw DatabaseError(
                .formatUnsupported,
                "\(path) has format \(version), this release knows "
                    + "\(Self.formatVersion); \(remedy)")
        }
        guard let text = Self.value(of: "storage", in: lines, at: 2),
            let identifier = Identifier128(text: String(text))
        else { throw Self.damaged(path) }
        self.init(peer: PeerID(rawValue: identifier))
        guard bytes == self.bytes else { throw Self.damaged(path) }
    }

    private static func value(of word: String, in lines: [Substring], at line: Int) -> Substring? {
        guard line < lines.count, lines[line].hasPrefix(word + " ") else { return nil }
        return lines[line].dropFirst(word.count + 1)
    }

    private static func damaged(_ path: SystemPath) -> DatabaseError {
        DatabaseError(
            .corrupted,
            "\(path) is damaged; check the disk, move that file aside, and "
                + "`storage-peer restore-identity` writes it anew from the store")
    }

    private static func checksum(of body: String) -> String {
        ByteText.hex(Digest(domain: "optimystic/identity/1", Bytes(body.utf8)).bytes)
    }
}
