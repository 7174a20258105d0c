import BlockRuntime

/// The kinds of settings. Every default is written as an operator would write it.
extension Setting where Value == String {
    /// Any text but the empty one.
    package static func string(
        _ flag: String, default text: String? = nil, help: String
    ) -> Setting {
        Setting(
            flag, placeholder: "TEXT", expected: "a text that is not empty", default: text,
            help: help, parse: { $0.isEmpty ? nil : $0 })
    }
}

extension Setting where Value == SystemPath {
    /// A path of a file or directory; relative ones start at the working directory. Any bytes.
    package static func path(_ flag: String, default text: String? = nil, help: String) -> Setting {
        Setting(
            flag, placeholder: "PATH", expected: "a path", default: text, help: help,
            parseBytes: { bytes in
                let path = SystemPath(bytes)
                return path.problem == nil ? path : nil
            })
    }
}

extension Setting where Value == Int {
    /// A whole number within `range`. `unit` names what is counted: "requests".
    package static func integer(
        _ flag: String, in range: ClosedRange<Int>, unit: String? = nil,
        default text: String? = nil, help: String
    ) -> Setting {
        let counted = unit.map { " \($0)" } ?? ""
        return Setting(
            flag, placeholder: "NUMBER",
            expected: "an integer from \(range.lowerBound) to \(range.upperBound)\(counted)",
            default: text, help: help,
            parse: { SettingText.integer($0).flatMap { range.contains($0) ? $0 : nil } })
    }

    /// Bytes, written with a unit: `64MiB`.
    package static func byteSize(
        _ flag: String, in range: ClosedRange<Int>, default text: String? = nil, help: String
    ) -> Setting {
        let bounds = [range.lowerBound, range.upperBound].map { SettingText.text(byteSize: $0) }
        return Setting(
            flag, placeholder: "SIZE",
            expected: "a size from \(bounds[0]) to \(bounds[1]), such as 64MiB",
            default: text, help: help,
            parse: { SettingText.byteSize($0).flatMap { range.contains($0) ? $0 : nil } })
    }
}

extension Setting where Value == Duration {
    /// A time, written with a unit: `5s`, `250ms`.
    package static func duration(
        _ flag: String, in range: ClosedRange<Duration>, default text: String? = nil, help: String
    ) -> Setting {
        let bounds = [range.lowerBound, range.upperBound].map { SettingText.text($0) }
        return Setting(
            flag, placeholder: "DURATION",
            expected: "a duration from \(bounds[0]) to \(bounds[1]), such as 250ms or 5s",
            default: text, help: help,
            parse: { SettingText.duration($0).flatMap { range.contains($0) ? $0 : nil } })
    }
}

extension Setting where Value == NetworkAddress {
    /// An address to listen at: port 0 or `*` takes a free port.
    package static func listenAddress(
        _ flag: String, default text: String? = nil, help: String
    ) -> Setting {
        Setting(
            flag, placeholder: "ADDRESS",
            expected: "an address such as 127.0.0.1:7710; port 0 is any free one",
            default: text, help: help, parse: { NetworkAddress($0) })
    }

    /// An address to connect to.
    package static func address(
        _ flag: String, default text: String? = nil, help: String
    ) -> Setting {
        Setting(
            flag, placeholder: "ADDRESS",
            expected: "an address such as 127.0.0.1:7710 or tcp://[::1]:7710",
            default: text, help: help,
            parse: { text in
                NetworkAddress(text).flatMap { $0.canBeReached ? $0 : nil }
            })
    }
}

extension Setting where Value == Bool {
    /// Something that is off unless it is asked for: `--flag`, or `--flag on`.
    package static func onOff(_ flag: String, help: String) -> Setting {
        Setting(
            flag, placeholder: "[on|off]", expected: "on or off", default: "off", help: help,
            textAlone: "on",
            parse: { text in
                switch text {
                case "on": true
                case "off": false
                default: nil
                }
            })
    }
}

extension Setting
where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    /// One of the cases of an enumeration, by its raw value.
    package static func choice(_ flag: String, default value: Value, help: String) -> Setting {
        let words = Value.allCases.map(\.rawValue)
        return Setting(
            flag, placeholder: words.joined(separator: "|"),
            expected: "one of \(words.joined(separator: ", "))", default: value.rawValue,
            help: help, parse: { Value(rawValue: $0) })
    }
}
