import ArgumentParser
import BlockModel
import BlockRuntime
import Optimystic

/// How values are written.
package struct ValueForm: ParsableArguments {
    package init() {}

    @Flag(help: "Values are written as hexadecimal digits, two for each byte.")
    package var hex = false

    /// The value that an argument or a line stands for.
    /// - Throws: `.invalidArgument` for one that should be hexadecimal digits; and
    ///   `.valueUndecodable` for one that is no JSON where the collection holds JSON.
    func bytes(of given: Bytes, for info: CollectionInfo) throws(DatabaseError) -> Bytes {
        var bytes = given
        if hex {
            guard let text = String(validating: given, as: UTF8.self),
                let decoded = ByteText.bytes(hex: text)
            else {
                throw DatabaseError(
                    .invalidArgument, "--hex: the value is no even number of hexadecimal digits")
            }
            bytes = decoded
        }
        if info.header.encoding == .json, JSONText(json: bytes) == nil {
            throw DatabaseError(
                .valueUndecodable,
                "\"\(info.name)\" holds JSON, and this value is not JSON; a text is written in "
                    + "double quotes, as in '\"text\"'")
        }
        return bytes
    }

    /// The value for people: as it is, or in hexadecimal digits.
    func text(of value: Bytes) -> Bytes { hex ? Array(ByteText.hex(value).utf8) : value }

    /// The value as a member of an object; see ``JSONText/member(_:encoding:)``.
    func member(_ value: Bytes, of info: CollectionInfo) -> (name: ExactText, value: JSONText) {
        if hex { return ("hex", .string(ByteText.hex(value))) }
        return JSONText.member(value, encoding: info.header.encoding)
    }
}

/// How many results are printed.
enum LimitArgument {
    static func check(_ limit: Int?) throws {
        if let limit, limit < 0 { throw ValidationError("--limit is 0 or more, not \(limit)") }
    }
}

/// As what a read sees the collection.
package struct AsOfOption: ParsableArguments {
    package init() {}

    @Option(
        name: .customLong("as-of"),
        help: ArgumentHelp(
            "Read the collection as it was at this revision, position, or moment (of "
                + "`optimystic snapshot`).", valueName: "revision"))
    package var asOf: AsOfArgument?

    /// - Throws: `.positionNotFound` for a position of another life of the collection;
    ///   `.invalidArgument` for a moment of other collections.
    func revision(of info: CollectionInfo) throws(DatabaseError) -> Revision? {
        try asOf?.revision(in: info)
    }

    /// What to read of a tree.
    func view(
        of tree: Tree<Bytes, Bytes>
    ) throws(DatabaseError) -> Tree<Bytes, Bytes>.Snapshot {
        try revision(of: tree.info).map { tree.asOf(revision: $0) } ?? tree.latest
    }
}

/// What was asked for is not there: a key has no value, a queue is empty. As `grep` says it, and
/// none of the codes of `sysexits.h`, which all mean that something went wrong.
enum Nothing {
    static var exit: ArgumentParser.ExitCode { ArgumentParser.ExitCode(1) }
}
