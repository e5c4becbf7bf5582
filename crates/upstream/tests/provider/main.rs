//! Talking with providers: what is asked, what is answered, and whole background calls.

#[cfg(test)]
mod answered;
#[cfg(test)]
mod asked;
#[cfg(test)]
mod beside_words;
#[cfg(test)]
mod call;
#[cfg(test)]
mod directories;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod odd_fields;
