import BlockRuntime

/// The values of a JSON configuration file: one flat object of flags and texts or integers.
struct ConfigurationFile {
    let path: SystemPath
    /// Texts by flag; integers as their decimal text.
    let texts: [String: String]

    /// - Throws: `configurationInvalid` when the file cannot be read, is larger than
    ///   `Limits.configurationFileBytesMax`, or is not an object of texts and integers that names
    ///   each key once.
    init(path: SystemPath) throws(DatabaseError) {
        self.path = path
        let bytes = try Self.contents(of: path)
        let value: JSONText
        do throws(JSONParser.Problem) {
            value = try JSONParser.parse(bytes)
        } catch {
            throw DatabaseError(
                .configurationInvalid, "\(path) is not \(Self.shape): it is \(error)")
        }
        guard case .object(let members) = value else {
            throw DatabaseError(.configurationInvalid, "\(path) is not \(Self.shape)")
        }
        var texts: [String: String] = [:]
        for (key, value) in members {
            switch value {
            case .string(let text): texts[key.text] = text
            case .raw(let digits) where Int(digits) != nil: texts[key.text] = digits
            default:
                throw DatabaseError(
                    .configurationInvalid, "\(path) is not \(Self.shape): key \"\(key)\"")
            }
        }
        self.texts = texts
    }

    private static let shape = "a JSON object whose values are texts or integers"

    private static func contents(of path: SystemPath) throws(DatabaseError) -> Bytes {
        let limit = Limits.configurationFileBytesMax
        let read: Bytes?
        do {
            read = try path.contents(countMax: limit)
        } catch {
            throw DatabaseError(
                .configurationInvalid,
                "the configuration file \(path) cannot be read: \(error.message)")
        }
        guard let read else {
            throw DatabaseError(
                .configurationInvalid,
                "the configuration file \(path) cannot be read: there is none")
        }
        return read
    }
}
