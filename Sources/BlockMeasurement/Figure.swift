/// Something that is measured.
package struct Figure: Hashable, Sendable {
    /// Names it in JSON; stable.
    package let name: String
    /// What it is, for people.
    package let title: String
    /// E.g. `entries/s`.
    package let unit: String
    /// The least that is aimed at, in the unit; nil where nothing is.
    package let aim: Double?

    package init(_ name: String, _ title: String, unit: String, aim: Double? = nil) {
        self.name = name
        self.title = title
        self.unit = unit
        self.aim = aim
    }
}

/// The samples of several figures, in the order in which the figures first came.
package struct SampleSet: Sendable {
    private var order: [Figure] = []
    private var samples: [Figure: [Double]] = [:]

    package init() {}

    package mutating func add(_ sample: Double, to figure: Figure) {
        if samples[figure] == nil { order.append(figure) }
        samples[figure, default: []].append(sample)
    }

    package var measurements: [MeasuredFigure] {
        order.compactMap { MeasuredFigure($0, samples: samples[$0] ?? []) }
    }
}
