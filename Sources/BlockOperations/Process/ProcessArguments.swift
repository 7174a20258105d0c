import BlockRuntime
import Glibc

/// What a process was started with, as the bytes that it is.
///
/// `CommandLine.arguments` and Foundation's environment put U+FFFD where bytes are no UTF-8, so
/// that two texts become one. Nothing else in this system reads either of them.
package enum ProcessArguments {
    /// The words behind the program's name.
    package static let words: [Bytes] = {
        guard CommandLine.argc > 0 else { return wordsOfKernel() }
        return (1..<max(1, Int(CommandLine.argc))).compactMap { index in
            CommandLine.unsafeArgv[index].map { bytes(cString: $0) }
        }
    }()

    /// The words as the kernel remembers them.
    ///
    /// The library of Swift reads them once, by the C library's streams, and has none for ever when
    /// that fails: as under a library that is loaded in front of the C library, and is not ready.
    private static func wordsOfKernel() -> [Bytes] {
        let path: SystemPath = "/proc/self/cmdline"
        let line = (try? path.contents(countMax: Limits.commandLineBytesMax)) ?? nil
        return words(ofLine: line ?? [])
    }

    /// - Parameter line: The program's name and its words, with a zero behind each.
    package static func words(ofLine line: Bytes) -> [Bytes] {
        // What stands behind the last zero is no word, but an empty one may stand in front of it.
        Array(line.split(separator: 0, omittingEmptySubsequences: false).dropFirst().dropLast())
            .map(Array.init)
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

    /// The option that is given twice, although the second one would do away with the first.
    /// - Parameter repeating: The options that may be given any number of times.
    package static func repeated(in words: [String], repeating: [String] = []) -> String? {
        var given: Set<ExactText> = []
        for word in words {
            guard word.utf8.starts(with: "--".utf8) else { continue }
            if word.utf8.count == 2 { return nil }
            let name = String(Substring(word.utf8.prefix { $0 != UInt8(ascii: "=") }))
            guard given.insert(ExactText(name)).inserted || repeating.contains(name) else {
                return name
            }
        }
        return nil
    }

    /// As ``texts()``, for a tool: ends the process, with a sentence, when one of the words is no
    /// text or an option is given twice, and sees to it that it does not end with 0 when its output
    /// is lost.
    ///
    /// - Parameter repeating: The options that may be given any number of times.
    /// - Precondition: Called once in a process, first thing in `main`.
    package static func textsOrExit(program: String, repeating: [String] = []) -> [String] {
        StandardDescriptors.reserve()
        LostOutput.endsProcess()
        do throws(DatabaseError) {
            let words = try texts()
            if let name = repeated(in: words, repeating: repeating) {
                throw DatabaseError(.invalidArgument, "\(name) is given twice")
            }
            return words
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
    /// - Throws: `.textInvalid` when one of these names is no UTF-8.
    package static func variables(prefix: String) throws(DatabaseError) -> [String: Bytes] {
        var variables: [String: Bytes] = [:]
        var place = environ
        while let entry = place.pointee {
            place += 1
            let bytes = bytes(cString: entry)
            guard bytes.starts(with: prefix.utf8), let equals = bytes.firstIndex(of: 0x3D) else {
                continue
            }
            let name = try OutsideText.text(of: bytes[..<equals], "the name of a variable")
            guard variables[name] == nil else { continue }
            variables[name] = Array(bytes[(equals + 1)...])
        }
        return variables
    }

    private static func bytes(cString: UnsafePointer<CChar>) -> Bytes {
        Bytes(UnsafeRawBufferPointer(start: cString, count: strlen(cString)))
    }
}
