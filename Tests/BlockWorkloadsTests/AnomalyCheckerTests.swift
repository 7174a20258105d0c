import BlockModel
import BlockRuntime
import BlockWorkloads
import Testing

/// What each checker of an anomaly finds, and what it lets pass.
@Suite struct AnomalyCheckerTests {
    private static func scene(_ fill: (inout AnomalyScene) -> Void) -> AnomalyScene {
        var scene = AnomalyScene()
        fill(&scene)
        return scene
    }

    // MARK: Every anomaly

    @Test(
        "What nobody wrote, what failed and what was sent twice is found, whatever the anomaly",
        arguments: Anomaly.allCases)
    func origins(anomaly: Anomaly) {
        let invented = Self.scene { $0.add(1, 2, reads: ["0/x": "a@1", "1/x": "@0"]) }
        #expect(invented.violations(of: anomaly).count == 1)
        let failed = Self.scene {
            $0.add(1, 2, .aborted, writes: ["0/x": "a"])
            $0.add(3, 4, reads: ["0/x": "a@1", "1/x": "@0"])
        }
        #expect(failed.names(of: anomaly).contains("G1a, an aborted read"))
        let twice = Self.scene {
            $0.add(1, 2, writes: ["0/x": "a"], at: [0: 1])
            $0.add(3, 4, writes: ["0/x": "a"], at: [0: 2])
        }
        #expect(!twice.violations(of: anomaly).isEmpty)
        #expect(AnomalyScene().violations(of: anomaly) == [])
    }

    // MARK: Registers

    @Test("Registers: what can have happened one after another passes")
    func soundRegisters() {
        let sound = Self.scene {
            $0.add(1, 4, writes: ["0/x": "a", "1/y": "b"], at: [0: 1, 1: 1])
            // Beside the first one: sees both of it.
            $0.add(2, 3, reads: ["0/x": "a@1", "1/y": "b@1"])
            $0.add(5, 6, reads: ["0/x": "a@1"], writes: ["1/y": "c"], at: [0: 1, 1: 2])
            // Of unknown outcome, and seen later; and one that nobody has seen.
            $0.add(7, nil, writes: ["0/x": "d"])
            $0.add(7, nil, writes: ["1/y": "e"])
            $0.add(8, 9, reads: ["0/x": "d@2", "1/y": "c@2"])
            // Two of one decision.
            $0.add(10, 12, client: 1, writes: ["0/x": "f"], at: [0: 3])
            $0.add(10, 12, client: 2, writes: ["0/x": "g"], at: [0: 3])
            $0.add(13, 14, reads: ["0/x": "f@3"])
            $0.add(15, 16, .aborted, reads: ["0/x": "a@1"], writes: ["0/x": "h"])
        }
        #expect(sound.violations(of: .registers) == [])
    }

    @Test("Registers: a cycle is found, and called by its name")
    func brokenRegisters() {
        // They write over each other in opposite orders.
        let dirty = Self.scene {
            $0.add(1, 9, writes: ["0/x": "a", "1/y": "b"], at: [0: 1, 1: 2])
            $0.add(1, 9, writes: ["0/x": "c", "1/y": "d"], at: [0: 2, 1: 1])
        }
        #expect(dirty.names(of: .registers) == ["G0"])
        let circular = Self.scene {
            $0.add(1, 9, reads: ["1/y": "b@1"], writes: ["0/x": "a"], at: [0: 1])
            $0.add(1, 9, reads: ["0/x": "a@1"], writes: ["1/y": "b"], at: [1: 1])
        }
        #expect(circular.names(of: .registers) == ["G1c"])
        let fractured = Self.scene {
            $0.add(1, 9, writes: ["0/x": "a", "1/y": "b"], at: [0: 1, 1: 1])
            $0.add(1, 9, reads: ["0/x": "a@1", "1/y": "@0"])
        }
        #expect(fractured.names(of: .registers) == ["G-single"])
        // Both have read nothing, and each has written.
        let lost = Self.scene {
            $0.add(1, 9, reads: ["0/x": "@0"], writes: ["0/x": "a"], at: [0: 1])
            $0.add(1, 9, reads: ["0/x": "@0"], writes: ["0/x": "b"], at: [0: 2])
        }
        #expect(lost.names(of: .registers) == ["G-single"])
        let skewed = Self.scene {
            $0.add(1, 9, reads: ["0/x": "@0"], writes: ["1/y": "b"], at: [1: 1])
            $0.add(1, 9, reads: ["1/y": "@0"], writes: ["0/x": "a"], at: [0: 1])
        }
        #expect(skewed.names(of: .registers) == ["G2-item"])
        let stale = Self.scene {
            $0.add(1, 2, writes: ["0/x": "a"], at: [0: 1])
            $0.add(3, 4, reads: ["0/x": "@0"])
        }
        #expect(stale.names(of: .registers) == ["G-single-realtime"])
    }

    @Test("Registers: a read that is not of the revision that it names is found")
    func wrongVersion() {
        for text in ["@2", "a@2", "b@1"] {
            let scene = Self.scene {
                $0.add(1, 9, writes: ["0/x": "a"], at: [0: 1])
                $0.add(1, 9, writes: ["0/x": "b"], at: [0: 2])
                $0.add(1, 9, reads: ["0/x": text])
            }
            #expect(scene.names(of: .registers).contains("a wrong version"), "\(text)")
        }
    }

    // MARK: Long forks

    @Test("Long fork: two readers that see one write each are found, others pass")
    func longFork() {
        func readers(_ first: [String], _ second: [String]) -> AnomalyScene {
            Self.scene {
                $0.add(1, 9, client: 1, writes: ["0/g": "a"], at: [0: 1])
                $0.add(1, 9, client: 2, writes: ["1/g": "b"], at: [1: 1])
                for values in [first, second] {
                    $0.add(2, 3, client: 3, reads: ["0/g": values[0], "1/g": values[1]])
                }
            }
        }
        let seen = [["@0", "@0"], ["a@1", "@0"], ["@0", "b@1"], ["a@1", "b@1"]]
        for (one, first) in seen.enumerated() {
            for (other, second) in seen.enumerated() {
                let found = readers(first, second).names(of: .longFork)
                let isFork = [one, other].sorted() == [1, 2]
                #expect(found.count == (isFork ? 1 : 0), "\(first) \(second)")
                #expect(!isFork || found[0].hasPrefix("a long fork"))
            }
        }
    }

    // MARK: Causal reverses

    @Test("Causal reverse: the later of two writes without the earlier is found, others pass")
    func causalReverse() {
        func reader(
            _ first: String, _ second: String, begin: Int64 = 5,
            _ outcome: TransactionHistory.Outcome = .committed
        ) -> [String] {
            Self.scene {
                $0.add(1, 4, client: 1, outcome, writes: ["0/g": "a"], at: [0: 1])
                $0.add(begin, 9, client: 2, writes: ["1/g": "b"], at: [1: 1])
                $0.add(6, 7, client: 3, reads: ["0/g": first, "1/g": second])
            }.names(of: .causalReverse)
        }
        #expect(reader("@0", "b@1").map { $0.hasPrefix("a causal reverse") } == [true])
        #expect(reader("a@1", "b@1") == [])
        #expect(reader("a@1", "@0") == [])
        #expect(reader("@0", "@0") == [])
        // Beside each other, or never acknowledged: nobody has seen one before the other.
        #expect(reader("@0", "b@1", begin: 3) == [])
        #expect(reader("@0", "b@1", .unknown) == [])
    }

    // MARK: Write skew

    @Test("Write skew: two places of a row on call at one moment are found, others pass")
    func writeSkew() {
        func reader(_ first: String, _ second: String) -> [String] {
            Self.scene {
                $0.add(1, 4, client: 1, writes: ["0/r": "+a"], at: [0: 1])
                $0.add(1, 4, client: 2, writes: ["1/r": "+b"], at: [1: 1])
                $0.add(5, 6, client: 1, writes: ["0/r": "-c"], at: [0: 2])
                $0.add(2, 9, client: 3, reads: ["0/r": first, "1/r": second])
            }.names(of: .writeSkew)
        }
        #expect(reader("+a@1", "+b@1") == ["G2-item, write skew"])
        #expect(reader("-c@2", "+b@1") == [])
        #expect(reader("+a@1", "@0") == [])
        #expect(reader("@0", "@0") == [])
    }

    // MARK: Torn writes

    @Test("Torn write: a mark that is not everywhere is found, others pass")
    func tornWrite() {
        func reader(
            _ reads: KeyValuePairs<String, String>,
            _ outcome: TransactionHistory.Outcome = .unknown
        ) -> [String] {
            Self.scene {
                $0.add(1, 4, client: 1, outcome, writes: ["0/m": "m", "1/m": "m", "2/m": "m"])
                $0.add(5, 6, client: 2, reads: reads)
            }.names(of: .tornWrite)
        }
        let whole: KeyValuePairs = ["0/m": "m@1", "1/m": "m@1", "2/m": "m@1"]
        #expect(reader(whole) == [] && reader(whole, .committed) == [])
        #expect(reader([:]) == [] && reader([:], .aborted) == [])
        #expect(reader(["0/m": "m@1", "2/m": "m@1"]) == ["a torn write"])
        #expect(reader(["1/m": "m@1"]) == ["a torn write"])
        let double: KeyValuePairs = ["0/m": "m@1", "1/m": "m@1", "2/m": "m@1", "1/m": "m@1"]
        #expect(reader(double) == ["a double"])
        let found = reader([:], .committed)
        #expect(found == ["a lost write"])
        #expect(reader(whole, .aborted).contains("G1a, an aborted read"))
    }
}
