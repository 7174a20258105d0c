import BlockMeasurement
import Foundation
import Testing

@Suite("Measurements")
struct MeasurementTests {
    @Test("the median is the middle sample, or between the two in the middle, in any order")
    func median() {
        #expect(Statistics.median([]) == nil)
        #expect(Statistics.median([3]) == 3)
        #expect(Statistics.median([9, 1]) == 5)
        #expect(Statistics.median([9, 1, 2]) == 2)
        #expect(Statistics.median([4, 1, 9, 2]) == 3)
    }

    @Test("a percentile is a sample that so many do not exceed")
    func percentile() {
        let samples = (1...200).map(Double.init).reversed()
        #expect(Statistics.percentile(50, of: []) == nil)
        #expect(Statistics.percentile(50, of: Array(samples)) == 100)
        #expect(Statistics.percentile(99, of: Array(samples)) == 198)
        #expect(Statistics.percentile(100, of: Array(samples)) == 200)
        #expect(Statistics.percentile(0, of: Array(samples)) == 1)
        #expect(Statistics.percentile(99, of: [7]) == 7)
    }

    @Test("samples are kept by figure, in the order in which the figures came")
    func sampleSet() {
        let first = Figure("b", "B", unit: "x")
        let second = Figure("a", "A", unit: "x", aim: 4)
        var samples = SampleSet()
        for (figure, sample) in [(first, 1.0), (second, 8.0), (first, 3.0), (first, 2.0)] {
            samples.add(sample, to: figure)
        }
        #expect(samples.measurements.map(\.figure) == [first, second])
        #expect(samples.measurements.map(\.median) == [2, 8])
        #expect(samples.measurements.map(\.lowest) == [1, 8])
        #expect(samples.measurements.map(\.highest) == [3, 8])
        #expect(samples.measurements.map(\.sampleCount) == [3, 1])
        #expect(samples.measurements.map(\.reached) == [nil, 2])
        #expect(MeasuredFigure(first, samples: []) == nil)
    }

    @Test("a number has three digits, rounded, and the letter of its size")
    func numbers() {
        let cases: [(Double, String)] = [
            (0, "0.00"), (0.123, "0.12"), (9.99, "9.99"), (9.996, "10.0"), (99.94, "99.9"),
            (99.96, "100"), (999.4, "999"), (999.6, "1.00 k"), (1234, "1.23 k"),
            (56_789, "56.8 k"), (999_499, "999 k"), (999_600, "1.00 M"), (1_234_567, "1.23 M"),
            (24_000_000, "24.0 M"), (5e9, "5.00 G"), (-1500, "-1.50 k"),
        ]
        for (value, text) in cases {
            #expect(FigureTable.number(value) == text)
        }
    }

    @Test("the table lines its columns up and says how much of an aim is reached")
    func table() throws {
        let measurements = try [
            #require(
                MeasuredFigure(Figure("a", "insert", unit: "entries/s", aim: 1000), samples: [1500])
            ),
            #require(MeasuredFigure(Figure("b", "p50", unit: "us"), samples: [1, 2, 3])),
        ]
        #expect(
            FigureTable.lines(measurements) == [
                "        median  lowest  highest  unit          aim  reached",
                "insert  1.50 k  1.50 k   1.50 k  entries/s  1.00 k   1.50 x",
                "p50       2.00    1.00     3.00  us",
            ])
        #expect(
            FigureTable.lines([measurements[1]]) == [
                "     median  lowest  highest  unit", "p50    2.00    1.00     3.00  us",
            ])
    }

    @Test("JSON has stable keys, and the aim only where there is one")
    func json() throws {
        let aimed = try #require(
            MeasuredFigure(Figure("a", "A", unit: "n/s", aim: 4), samples: [2]))
        let pairs =
            #""aim":4,"highest":2,"lowest":2,"median":2,"name":"a","samples":1,"unit":"n/s""#
        #expect(aimed.json == "{\(pairs)}")
        let free = try #require(MeasuredFigure(Figure("b", "B", unit: "us"), samples: [1.5, 2.5]))
        let object = try JSONSerialization.jsonObject(with: Data(free.json.utf8))
        let values = try #require(object as? [String: Any])
        #expect(values["median"] as? Double == 2)
        #expect(values.keys.sorted() == ["highest", "lowest", "median", "name", "samples", "unit"])
    }
}
