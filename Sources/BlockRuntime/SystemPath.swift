/// The path of a file or a directory, as the operating system takes it: any bytes but zero.
///
/// A path need not be text. As a `String`, two paths that differ in bytes that are no UTF-8 would
/// be one; paths are equal exactly when their bytes are.
public struct SystemPath: Hashable, Sendable {
    /// Without the zero that ends it for C.
    public let bytes: Bytes

    /// The path that is exactly these bytes.
    public init(_ bytes: Bytes) { self.bytes = bytes }

    /// The UTF-8 of `text`.
    public init(_ text: String) { bytes = Array(text.utf8) }

    /// What C says.
    package init(cString: UnsafePointer<CChar>) {
        var bytes = Bytes()
        var place = cString
        while place.pointee != 0 {
            bytes.append(UInt8(bitPattern: place.pointee))
            place += 1
        }
        self.bytes = bytes
    }

    /// What makes it the path of nothing; nil when a file can be called so.
    package var problem: String? {
        if bytes.isEmpty { return "is empty" }
        return bytes.contains(0) ? "has a byte that is zero" : nil
    }

    /// Runs `body` with the path as C takes it, which ends at the first zero.
    package func withCString<Value, Failure>(
        _ body: (UnsafePointer<CChar>) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let characters = bytes.map { CChar(bitPattern: $0) } + [0]
        return try characters.withUnsafeBufferPointer { buffer throws(Failure) in
            guard let start = buffer.baseAddress else {
                fatalError("invariant: a path ends with a zero")
            }
            return try body(start)
        }
    }

    /// What is called `name` inside this directory.
    package func appending(_ name: SystemPath) -> SystemPath {
        SystemPath(
            bytes.last == Self.slash ? bytes + name.bytes : bytes + [Self.slash] + name.bytes)
    }

    /// The directory that it lies in.
    package var parent: SystemPath {
        let own = bytes[..<Self.end(of: bytes[...])]
        if own.isEmpty { return bytes.isEmpty ? "." : "/" }
        guard let slash = own.lastIndex(of: Self.slash) else { return "." }
        let above = own[..<Self.end(of: own[...slash])]
        return above.isEmpty ? "/" : SystemPath(Array(above))
    }

    /// Where a path ends without the slashes at its end.
    private static func end(of path: ArraySlice<UInt8>) -> Int {
        path.lastIndex { $0 != slash }.map { $0 + 1 } ?? path.startIndex
    }

    /// The path with `text` at its end.
    package func suffixed(_ text: String) -> SystemPath { SystemPath(bytes + Array(text.utf8)) }

    package func hasPrefix(_ text: String) -> Bool { bytes.starts(with: text.utf8) }

    package func hasSuffix(_ text: String) -> Bool {
        bytes.suffix(text.utf8.count).elementsEqual(text.utf8)
    }

    private static let slash = UInt8(ascii: "/")
}

extension SystemPath: ExpressibleByStringLiteral {
    /// The UTF-8 of `text`.
    public init(stringLiteral text: String) { self.init(text) }
}

extension SystemPath: CustomStringConvertible {
    /// For people: text where the path is printable text, `\xff` for any other byte.
    public var description: String { OutsideText.shown(bytes) }
}

extension SystemPath: Comparable {
    /// By their bytes.
    public static func < (left: SystemPath, right: SystemPath) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
