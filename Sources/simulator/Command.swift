import BlockModel
import BlockRuntime

/// What the simulator was asked to do.
struct Command {
    private(set) var isTraced = false
    private(set) var printsMarks = false
    /// One line for each seed, with its trace hash, and nothing else.
    private(set) var printsHashes = false
    private(set) var listsBugs = false
    /// How many seeds each planted bug takes.
    private(set) var isGate = false
    private(set) var bug: PlantedBug?
    /// What each client does, instead of what the seed says.
    private(set) var operationCount: Int?
    /// Worlds that run side by side.
    private(set) var jobCount = 1
    private(set) var seeds: ClosedRange<UInt64> = 1...1

    init(_ arguments: ArraySlice<String>) {
        var arguments = arguments
        var numbers: [UInt64] = []
        while let argument = arguments.popFirst() {
            switch argument {
            case "--trace": isTraced = true
            case "--marks": printsMarks = true
            case "--hashes": printsHashes = true
            case "--list-bugs": listsBugs = true
            case "--gate": isGate = true
            case "--operations":
                guard let count = arguments.popFirst().flatMap(Int.init), count >= 0 else {
                    Simulator.usage("--operations wants a number")
                }
                operationCount = count
            case "--jobs":
                guard let count = arguments.popFirst().flatMap(Int.init), (1...256) ~= count else {
                    Simulator.usage("--jobs wants a number from 1 to 256")
                }
                jobCount = count
            case "--bug":
                guard let name = arguments.popFirst(), let known = PlantedBug(rawValue: name) else {
                    Simulator.usage("--bug wants one of \(PlantedBug.allCases.map(\.rawValue))")
                }
                bug = known
            default:
                guard let number = UInt64(argument) else {
                    Simulator.usage("\"\(argument)\" is no seed")
                }
                numbers.append(number)
            }
        }
        if listsBugs || isGate { return }
        guard let first = numbers.first, numbers.count <= 2 else {
            Simulator.usage("a seed is wanted")
        }
        let last = numbers.count == 2 ? numbers[1] : first
        guard first <= last else { Simulator.usage("seeds go from the lower to the higher") }
        seeds = first...last
    }
}
