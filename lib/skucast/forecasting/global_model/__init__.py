"""One model over all series: gradient boosted trees and their features."""
