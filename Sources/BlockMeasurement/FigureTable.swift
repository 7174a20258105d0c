import Foundation

/// Measurements as a table for people.
package enum FigureTable {
    private static let heads = ["", "median", "lowest", "highest", "unit", "aim", "reached"]

    /// A heading, and a line for each measurement.
    package static func lines(_ measurements: [MeasuredFigure]) -> [String] {
        TextTable.lines(heads: heads, rows: measurements.map(cells), texts: [0, 4])
    }

    private static func cells(_ measurement: MeasuredFigure) -> [String] {
        [
            measurement.figure.title, number(measurement.median), number(measurement.lowest),
            number(measurement.highest), measurement.figure.unit,
            measurement.figure.aim.map(number) ?? "",
            measurement.reached.map { String(format: "%.2f x", $0) } ?? "",
        ]
    }

    /// Three digits at least, and a letter for thousands, millions and milliards:
    /// 1234567 is `1.23 M`.
    package static func number(_ value: Double) -> String {
        let steps: [(size: Double, letter: String)] = [(1e9, " G"), (1e6, " M"), (1e3, " k")]
        // What rounds up to the next step is written in it.
        let step = steps.first { abs(value) >= $0.size * 0.9995 } ?? (1, "")
        let scaled = value / step.size
        let format =
            switch abs(scaled) {
            case 99.95...: "%.0f"
            case 9.995...: "%.1f"
            default: "%.2f"
            }
        return String(format: format, scaled) + step.letter
    }
}
