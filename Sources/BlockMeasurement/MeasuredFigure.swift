import Foundation

/// A figure and what its samples say.
package struct MeasuredFigure: Hashable, Sendable {
    package let figure: Figure
    package let median: Double
    package let lowest: Double
    package let highest: Double
    package let sampleCount: Int

    /// - Returns: nil without samples.
    package init?(_ figure: Figure, samples: [Double]) {
        guard let median = Statistics.median(samples), let lowest = samples.min(),
            let highest = samples.max()
        else { return nil }
        self.figure = figure
        self.median = median
        self.lowest = lowest
        self.highest = highest
        sampleCount = samples.count
    }

    /// The median as a multiple of the aim: 1 is just reached.
    package var reached: Double? { figure.aim.map { median / $0 } }

    /// One JSON object on one line, with stable keys.
    package var json: String {
        var object: [String: Any] = [
            "name": figure.name, "unit": figure.unit, "median": median, "lowest": lowest,
            "highest": highest, "samples": sampleCount,
        ]
        if let aim = figure.aim { object["aim"] = aim }
        guard
            let data = try? JSONSerialization.data(
                withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        else { fatalError("invariant: \(figure.name) has a number that JSON does not know") }
        return String(decoding: data, as: UTF8.self)
    }
}
