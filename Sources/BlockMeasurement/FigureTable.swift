import Foundation

/// Measurements as a table for people.
package enum FigureTable {
    private static let heads = ["", "median", "lowest", "highest", "unit", "aim", "reached"]

    /// A heading, and a line for each measurement. Columns are as wide as they must be, and those
    /// that nothing is in are left out.
    package static func lines(_ measurements: [MeasuredFigure]) -> [String] {
        let rows = [heads] + measurements.map(cells)
        let columns = heads.indices.compactMap { column -> (index: Int, width: Int)? in
            guard rows.dropFirst().contains(where: { !$0[column].isEmpty }) else { return nil }
            return (column, rows.map { $0[column].count }.max() ?? 0)
        }
        return rows.map { row in
            let padded = columns.map { column, width in
                let space = String(repeating: " ", count: width - row[column].count)
                // Numbers stand to the right, words to the left.
                return isText(column) ? row[column] + space : space + row[column]
            }
            let line = padded.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }

    private static func isText(_ column: Int) -> Bool { column == 0 || heads[column] == "unit" }

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
