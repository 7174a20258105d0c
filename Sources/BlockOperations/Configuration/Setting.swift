import BlockRuntime

/// What is known of a setting without its type: enough to check a text and to describe it.
package protocol DeclaredSetting: Sendable {
    /// The flag without its dashes, lowercase words joined by hyphens: `data-directory`.
    var flag: String { get }
    /// What stands for the value in `--help`: `DURATION`.
    var placeholder: String { get }
    /// Which texts are values, to go behind "expected": "a duration from 1ms to 1h, such as 250ms".
    var expected: String { get }
    /// The value when nobody gives one, as somebody would write it; nil when there is none.
    var defaultText: String? { get }
    /// Whether a service can do without.
    var isOptional: Bool { get }
    /// What it does, as a sentence.
    var help: String { get }
    /// Throws when `text` is not a value of this setting.
    func check(_ text: String) throws(InvalidSettingText)
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
    /// The value when there is neither text nor default; nil when somebody must give one.
    package let absent: Value?
    private let parse: @Sendable (String) -> Value?

    package var isOptional: Bool { absent != nil }

    /// - Parameter parse: Returns nil for a text that is not a value.
    package init(
        _ flag: String, placeholder: String, expected: String, default defaultText: String?,
        help: String, absent: Value? = nil, parse: @escaping @Sendable (String) -> Value?
    ) {
        self.flag = flag
        self.placeholder = placeholder
        self.expected = expected
        self.defaultText = defaultText
        self.help = help
        self.absent = absent
        self.parse = parse
        let isName = flag.utf8.allSatisfy { $0 == 0x2D || (0x61...0x7A).contains($0) }
        invariant(isName && !flag.isEmpty, "flag \(flag) is lowercase letters and hyphens")
        invariant(
            defaultText.map { parse($0) != nil } ?? true,
            "the default \(defaultText ?? "") of --\(flag) is a value of it")
    }

    /// The same setting, but nobody has to give it: its value is nil then.
    package func optional() -> Setting<Value?> {
        invariant(defaultText == nil, "--\(flag) has a default, so it is never absent")
        return Setting<Value?>(
            flag, placeholder: placeholder, expected: expected, default: nil, help: help,
            absent: .some(nil), parse: { [parse] in parse($0).map(Optional.some) })
    }

    package func value(of text: String) throws(InvalidSettingText) -> Value {
        guard let value = parse(text) else { throw InvalidSettingText(expected: expected) }
        return value
    }

    package func check(_ text: String) throws(InvalidSettingText) { _ = try value(of: text) }
}
