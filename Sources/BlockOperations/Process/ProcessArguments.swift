import BlockRuntime
import Glibc

/// What a process was started with, as the bytes that it is.
///
/// `CommandLine.arguments` and Foundation's environment put U+FFFD where bytes are no UTF-8, so
/// that two texts become one. Nothing else in this system reads either of them.
package enum ProcessArguments {
    /// The words behind the program's name.
    package static var words: [Bytes] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { index in
            CommandLine.unsafeArgv[index].map { bytes(cString: $0) }
        }
    }

    /// The words, for a program that takes nothing but text.
    /// - Throws: `.textInvalid` with the word and the place where it is no UTF-8.
    package static func texts() throws(DatabaseError) -> [String] {
        var texts: [String] = []
        for (index, word) in words.enumerated() {
            texts.append(try OutsideText.text(of: word, "argument \(index + 1)"))
        }
        return texts
    }

    /// As ``texts()``; ends the process, with a sentence, when one of the words is no text.
    package static func textsOrExit(program: String) -> [String] {
        do {
            return try texts()
        } catch {
            LineWriter.standardError.writeLine(ErrorReport.sentence(program: program, error))
            exit(ExitCode(for: error).rawValue)
        }
    }

    /// A variable of the environment; nil when it is not set.
    package static func variable(_ name: String) -> Bytes? {
        getenv(name).map { bytes(cString: $0) }
    }

    /// The variables whose names begin with `prefix`.
    /// - Throws: `.textInvalid` when one of them is no UTF-8.
    package static func variables(prefix: String) throws(DatabaseError) -> [String: String] {
        var variables: [String: String] = [:]
        var place = environ
        while let entry = place.pointee {
            place += 1
            let bytes = bytes(cString: entry)
            guard bytes.starts(with: prefix.utf8), let equals = bytes.firstIndex(of: 0x3D) else {
                continue
            }
            let name = try OutsideText.text(of: bytes[..<equals], "the name of a variable")
            guard variables[name] == nil else { continue }
            variables[name] = try OutsideText.text(
                of: bytes[(equals + 1)...], "the variable \(name)")
        }
        return variables
    }

    private static func bytes(cString: UnsafePointer<CChar>) -> Bytes {
        Bytes(UnsafeRawBufferPointer(start: cString, count: strlen(cString)))
    }
}
