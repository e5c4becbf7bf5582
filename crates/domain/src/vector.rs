//! What texts mean, as numbers: texts that mean alike have vectors that point the same way.

use std::fmt;

/// Which model made a vector: a digest of everything that the numbers depend on. Vectors of two models have nothing to say
/// to each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModelName(pub [u8; 32]);

/// A direction, kept in a byte for each dimension (two's complement, from -127 to 127): the longest component is 127, since
/// only the direction counts. Against the numbers themselves that changes a cosine by less than a hundredth.
#[derive(Clone, PartialEq, Eq)]
pub struct Vector(Box<[u8]>);

/// A text that is looked for, as the model sees it that made the vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryVector {
    /// Whose vectors it can be held against.
    pub model: ModelName,
    /// What the text means.
    pub vector: Vector,
}

impl Vector {
    /// The direction of these numbers. Numbers that are none, or all nought, have none: their vector is like no other.
    #[must_use]
    pub fn of(numbers: &[f32]) -> Self {
        let longest = numbers.iter().fold(0.0_f32, |longest, number| longest.max(number.abs()));
        let sound = longest > 0.0 && numbers.iter().all(|number| number.is_finite());
        let scale = if sound { 127.0 / longest } else { 0.0 };
        Self(numbers.iter().map(|number| if sound { byte(number * scale) } else { 0 }).collect())
    }

    /// As it is kept: a byte for each dimension.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How alike another vector is, as it is kept: the cosine of the angle between them, from -1 to 1; 0 when they have not the
    /// same number of dimensions, or one has no direction.
    #[must_use]
    pub fn likeness(&self, other: &[u8]) -> f64 {
        if self.0.len() != other.len() {
            return 0.0;
        }
        let (mut product, mut own, mut others) = (0_i32, 0_i32, 0_i32);
        for (one, other) in self.0.iter().zip(other) {
            let (one, other) = (number(*one), number(*other));
            product += one * other;
            own += one * one;
            others += other * other;
        }
        let lengths = f64::from(own).sqrt() * f64::from(others).sqrt();
        if lengths > 0.0 { (f64::from(product) / lengths).clamp(-1.0, 1.0) } else { 0.0 }
    }

    /// How alike each of these vectors is, as they are kept, in what sets them apart from each other: the cosine of what is left of
    /// both without the mean direction of `others` (Mu and Viswanath, *All-but-the-Top*, 2018), from -1 to 1. Texts of one kind share much
    /// that tells nothing, such as the name with which each begins. 0 where nothing is left, as of a single one, or the dimensions are not as many.
    #[must_use]
    pub fn likenesses_apart<V: AsRef<[u8]>>(&self, others: &[V]) -> Vec<f64> {
        let dimensions = self.0.len();
        let Some(own) = direction(&self.0, dimensions) else { return vec![0.0; others.len()] };
        let directions: Vec<Option<Vec<f32>>> =
            others.iter().map(|other| direction(other.as_ref(), dimensions)).collect();
        let common = mean(directions.iter().flatten(), dimensions);
        let own = apart(&own, &common);
        let own_length = product(&own, &own);
        let likeness = |direction: &Vec<f32>| {
            let other = apart(direction, &common);
            let lengths = (own_length * product(&other, &other)).sqrt();
            if lengths > 0.0 { (product(&own, &other) / lengths).clamp(-1.0, 1.0) } else { 0.0 }
        };
        directions.iter().map(|it| it.as_ref().map_or(0.0, likeness)).collect()
    }
}

/// A vector as it is kept, of length 1; none if it has no direction, or other dimensions.
fn direction(bytes: &[u8], dimensions: usize) -> Option<Vec<f32>> {
    let squares: i32 = bytes.iter().map(|byte| number(*byte) * number(*byte)).sum();
    let length = (squares as f32).sqrt();
    (length > 0.0 && bytes.len() == dimensions)
        .then(|| bytes.iter().map(|byte| f32::from(*byte as i8) / length).collect())
}

/// In f64, in which equal numbers have exactly themselves as their mean, so that nothing is left of them.
fn mean<'d>(directions: impl Iterator<Item = &'d Vec<f32>>, dimensions: usize) -> Vec<f64> {
    let (mut sums, mut count) = (vec![0.0; dimensions], 0.0_f64);
    for direction in directions {
        count += 1.0;
        sums.iter_mut().zip(direction).for_each(|(sum, number)| *sum += f64::from(*number));
    }
    sums.iter().map(|sum| sum / count.max(1.0)).collect()
}

/// What sets a direction apart from those of which this is the mean.
fn apart(direction: &[f32], common: &[f64]) -> Vec<f64> {
    direction.iter().zip(common).map(|(number, common)| f64::from(*number) - common).collect()
}

/// Of two vectors, in as many sums as a processor adds up at once.
fn product(one: &[f64], other: &[f64]) -> f64 {
    let ((ones, one_rest), (others, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (one, other) in ones.iter().zip(others) {
        sums.iter_mut().zip(one.iter().zip(other)).for_each(|(sum, (one, other))| *sum += one * other);
    }
    sums.iter().sum::<f64>() + one_rest.iter().zip(other_rest).map(|(one, other)| one * other).sum::<f64>()
}

/// Neither bytes nor a digest tell a reader anything.
impl fmt::Debug for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vector({} dimensions)", self.0.len())
    }
}

impl fmt::Debug for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelName({:02x}{:02x}{:02x}{:02x})", self.0[0], self.0[1], self.0[2], self.0[3])
    }
}

fn byte(scaled: f32) -> u8 {
    (scaled.round() as i8) as u8
}

fn number(byte: u8) -> i32 {
    i32::from(byte as i8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(one: &[f32], other: &[f32]) -> f64 {
        Vector::of(one).likeness(Vector::of(other).as_bytes())
    }

    #[test]
    fn only_the_direction_counts() {
        assert!((likeness(&[1.0, 2.0], &[100.0, 200.0]) - 1.0).abs() < 1e-9);
        assert!((likeness(&[1.0, 2.0], &[-0.5, -1.0]) + 1.0).abs() < 1e-9);
        assert_eq!(likeness(&[1.0, 0.0], &[0.0, 3.0]), 0.0);
        assert!((likeness(&[1.0, 0.0], &[1.0, 1.0]) - 0.5_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn what_has_no_direction_or_other_dimensions_is_like_nothing() {
        for odd in [&[0.0, 0.0][..], &[f32::NAN, 1.0], &[f32::INFINITY, 1.0], &[1.0], &[]] {
            assert_eq!(likeness(odd, &[1.0, 1.0]), 0.0, "{odd:?}");
        }
    }

    fn apart(one: &[f32], others: &[&[f32]]) -> Vec<f64> {
        let others: Vec<Vec<u8>> = others.iter().map(|it| Vector::of(it).as_bytes().to_vec()).collect();
        Vector::of(one).likenesses_apart(&others)
    }

    #[test]
    fn what_all_vectors_share_makes_none_of_them_more_alike() {
        let (rye, wheat): (&[f32], &[f32]) = (&[9.0, 2.0, 0.0], &[9.0, 0.0, 2.0]);
        assert!(likeness(rye, wheat) > 0.9);
        let apart = apart(rye, &[rye, wheat]);
        assert!(apart[0] > 0.99 && apart[1] < -0.99, "{apart:?}");
    }

    #[test]
    fn how_long_a_vector_is_and_those_without_a_direction_count_for_nothing_among_others() {
        let to = Vector::of(&[3.0, 1.0]);
        let alone = to.likenesses_apart(&[&[100, 0][..], &[50, 100]]);
        let among = to.likenesses_apart(&[&[20, 0][..], &[0, 0], &[1], &[50, 100]]);
        assert_eq!([among[1], among[2]], [0.0, 0.0]);
        assert!(
            (alone[0] - among[0]).abs() < 1e-6 && (alone[1] - among[3]).abs() < 1e-6,
            "{alone:?} {among:?}"
        );
    }

    #[test]
    fn what_is_left_of_vectors_is_compared_in_all_of_their_dimensions() {
        for dimensions in [3, 8, 9, 20] {
            let wave = |step: f32| -> Vec<f32> {
                (0..dimensions).map(|at| (at as f32 * step).sin() + 0.5).collect()
            };
            let (query, others) = (wave(0.7), [wave(0.9), wave(2.3), wave(1.1)]);
            let unit = |numbers: &[f32]| -> Vec<f64> {
                let bytes = Vector::of(numbers);
                let numbers: Vec<f64> = bytes.as_bytes().iter().map(|byte| f64::from(*byte as i8)).collect();
                let length = numbers.iter().map(|it| it * it).sum::<f64>().sqrt();
                numbers.iter().map(|it| it / length).collect()
            };
            let units: Vec<Vec<f64>> = others.iter().map(|it| unit(it)).collect();
            let left = |of: &[f64]| -> Vec<f64> {
                let mean = |at: usize| units.iter().map(|it| it[at]).sum::<f64>() / units.len() as f64;
                of.iter().enumerate().map(|(at, number)| number - mean(at)).collect()
            };
            let cosine = |one: &[f64], other: &[f64]| {
                let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                sum(one, other) / (sum(one, one) * sum(other, other)).sqrt()
            };
            let others: Vec<&[f32]> = others.iter().map(Vec::as_slice).collect();
            for (found, other) in apart(&query, &others).iter().zip(&units) {
                let exact = cosine(&left(&unit(&query)), &left(other));
                assert!((found - exact).abs() < 1e-5, "{found} {exact} of {dimensions}");
            }
        }
    }

    #[test]
    fn nothing_sets_equal_vectors_apart() {
        let waves: Vec<f32> = (0..384).map(|at| (at as f32 * 0.11).sin()).collect();
        let query: Vec<f32> = (0..384).map(|at| (at as f32 * 0.7).sin()).collect();
        assert_eq!(apart(&query, &[&waves[..]; 7]), [0.0; 7]);
    }

    #[test]
    fn a_vector_alone_has_nothing_that_sets_it_apart() {
        assert_eq!(apart(&[1.0, 2.0], &[&[1.0, 2.0]]), [0.0]);
        assert_eq!(apart(&[1.0, 2.0], &[&[2.0, 1.0]]), [0.0]);
        assert_eq!(apart(&[1.0, 2.0], &[]), [0.0; 0]);
        assert_eq!(apart(&[0.0, 0.0], &[&[2.0, 1.0], &[1.0, 2.0]]), [0.0, 0.0]);
    }

    #[test]
    fn a_byte_for_each_dimension_changes_a_cosine_by_less_than_a_hundredth() {
        let wave = |phase: f32| -> Vec<f32> {
            (0..384).map(|at| (at as f32 * phase).sin() * (1.0 + at as f32 / 99.0)).collect()
        };
        for other in [0.11_f32, 0.1101, 0.7, 2.3] {
            let (one, other) = (wave(0.11), wave(other));
            let sum = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum() };
            let exact = sum(&one, &other) / (sum(&one, &one) * sum(&other, &other)).sqrt();
            assert!((likeness(&one, &other) - exact).abs() < 0.01, "{exact}");
        }
    }
}
