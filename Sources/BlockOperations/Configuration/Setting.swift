import BlockRuntime

/// What is known of a setting without its type: enough to check a text and to describe it.
package protocol DeclaredSetting: Sendable {
    /// The flag without its dashes, lowercase words joined by hyphens: `data-directory`.
    var flag: String { get }
    /// What stands for the value in `--help`: `DURATION`.
    var placeholder: String { get }
    /// Which texts are values, to go behind "expected": "a duration from 1ms to 1h, such as 250ms".
    var expected: String { get }
    /// The value when the operator gives none, as the operator would write it; nil when there is
    /// none.
    var defaultText: String? { get }
    /// Whether a service can do without.
    var isOptional: Bool { get }
    /// What it does, as a sentence.
    var help: String { get }
    /// Whether values are bytes, such as paths, and need not be text.
    var takesBytes: Bool { get }
    /// What the flag says when no value stands behind it; nil when one has to.
    var textAlone: String? { get }
    /// Throws when `bytes` are not a value of this setting.
    func check(_ bytes: Bytes) throws(InvalidSettingText)
}

/// One thing an operator can set: as a flag, an environment variable or a key of a file.
///
/// Declare each as a constant and put all of a role's into its ``Role``; read the value with
/// ``Configuration/value(of:)``.
package struct Setting<Value: Sendable>: DeclaredSetting {
    package let flag: String
    package let placeholder: String
    package let expected: String
    package let defaultText: String?
    package let help: String
    /// The value when there is neither text nor default; nil when the operator must give one.
    package let absent: Value?
    package let takesBytes: Bool
    package let textAlone: String?
    private let parse: @Sendable (Bytes) -> Value?

    package var isOptional: Bool { absent != nil }

    /// - Parameter parse: Returns nil for a text that is not a value.
    package init(
        _ flag: String, placeholder: String, expected: String, default defaultText: String?,
        help: String, absent: Value? = nil, textAlone: String? = nil,
        parse: @escaping @Sendable (String) -> Value?
    ) {
        self.init(
            flag, placeholder: placeholder, expected: expected, default: defaultText, help: help,
            absent: absent, takesBytes: false, textAlone: textAlone,
            parseBytes: { String(validating: $0, as: UTF8.self).flatMap(parse) })
    }

    /// - Parameter parseBytes: Returns nil for bytes that are not a value.
    package init(
        _ flag: String, placeholder: String, expected: String, default defaultText: String?,
        help: String, absent: Value? = nil, takesBytes: Bool = true, textAlone: String? = nil,
        parseBytes parse: @escaping @Sendable (Bytes) -> Value?
    ) {
        self.flag = flag
        self.placeholder = placeholder
        self.expected = expected
        self.defaultText = defaultText
        self.help = help
        self.absent = absent
        self.takesBytes = takesBytes
        self.textAlone = textAlone
        self.parse = parse
        let isName = flag.utf8.allSatisfy { $0 == 0x2D || (0x61...0x7A).contains($0) }
        invariant(isName && !flag.isEmpty, "flag \(flag) is lowercase letters and hyphens")
        invariant(
            defaultText.map { parse(Array($0.utf8)) != nil } ?? true,
            "the default \(defaultText ?? "") of --\(flag) is a value of it")
    }

    /// The same setting, but the operator need not give it: its value is nil then.
    package func optional() -> Setting<Value?> {
        invariant(defaultText == nil, "--\(flag) has a default, so it is never absent")
        return Setting<Value?>(
            flag, placeholder: placeholder, expected: expected, default: nil, help: help,
            absent: .some(nil), takesBytes: takesBytes,
            parseBytes: { [parse] in parse($0).map(Optional.some) })
    }

    package func value(of bytes: Bytes) throws(InvalidSettingText) -> Value {
        guard let value = parse(bytes) else { throw InvalidSettingText(expected: expected) }
        return value
    }

    package func check(_ bytes: Bytes) throws(InvalidSettingText) { _ = try value(of: bytes) }
}
