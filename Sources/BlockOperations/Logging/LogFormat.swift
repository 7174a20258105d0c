/// How log lines look.
package enum LogFormat: String, CaseIterable, Sendable {
    /// One JSON object a line: for collectors. The default of every service.
    case json
    /// One line for a person at a terminal.
    case text
}
