import Optimystic

/// The words of a line, as a shell of the system tells them apart: blanks end a word, single quotes
/// keep everything, double quotes everything but a backslash, a backslash the next character.
package enum ShellWords {
    /// - Throws: `.invalidArgument` for a quote that does not end.
    package static func split(_ line: String) throws(DatabaseError) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in line {
            if isEscaped {
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { word?.append(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character.isWhitespace {
                if let done = word { words.append(done) }
                word = nil
            } else if character == "#", word == nil {
                break
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if let quote {
            throw DatabaseError(.invalidArgument, "the quote \(quote) has no end on this line")
        }
        guard !isEscaped else {
            throw DatabaseError(.invalidArgument, "a backslash with nothing behind it")
        }
        if let word { words.append(word) }
        return words
    }
}
